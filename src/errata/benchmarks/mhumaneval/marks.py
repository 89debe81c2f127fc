"""Marks that people make in answers: a job to be marked, marks read back, rates and agreement.

A row is `{"id", "response", "segments"}`, beside it `images` and `prompt` for whoever marks. `segments` is null until
somebody has looked at the row; then it is a list of `{"start", "end", "type"}`, empty where nothing is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from errata.benchmarks.answers import align_answers
from errata.errors import DataError
from errata.records import Answer, Fields, Question
from errata.storage import read_json_lines, write_json_lines
from errata.text import find_spoken

MARK_TYPES = ("object", "position", "number", "other")
_FIX = "mark the job as it was written; offsets count characters"


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters `start:end` of a response that are made up."""

    start: int
    end: int
    type: str


@dataclass(frozen=True, slots=True)
class MarkedResponse:
    """A response and what one person marked in it; None where nobody has looked yet."""

    where: str
    response: str
    marks: tuple[Mark, ...] | None

    def has(self, kind: str) -> bool:
        """Whether anything of this type was marked; "all" is any type."""
        return any(kind in ("all", mark.type) for mark in self.marks or ())

    @property
    def characters(self) -> set[int]:
        """The marked places."""
        return {place for mark in self.marks or () for place in range(mark.start, mark.end)}


def write_marking_job(path: str | Path, questions: Sequence[Question], answers: Sequence[Answer]) -> None:
    """Write answers for people to mark, without a model's thoughts, with `segments` null.

    Raises:
        DataError: A question without an answer, or an answer to none.
    """
    joined = align_answers((question.id for question in questions), answers, where="marking job")
    rows = [
        {
            "id": question.id,
            "images": list(question.images),
            "prompt": question.prompt[-1].text,
            "response": find_spoken(joined[question.id]).answer.text,
            "segments": None,
        }
        for question in questions
    ]
    write_json_lines(path, rows)


def read_marks(path: str | Path) -> dict[str, MarkedResponse]:
    """What one person marked, by id.

    Raises:
        DataError: `file:line` of a row without response or segments, of an id that occurs twice, of a segment outside
            the response or of another type.
    """
    found: dict[str, MarkedResponse] = {}
    for where, row in read_json_lines(path):
        fields = Fields(row, where, "marked response", fix=_FIX)
        key, response = fields.take("id", str), fields.take("response", str)
        segments = None if fields.raw.get("segments", "") is None else fields.take("segments", list)
        if key in found:
            raise DataError(where, expected="ids that occur once", found=f"{key!r} again", fix="drop one of them")
        marks = None if segments is None else tuple(_parse_mark(one, where, len(response)) for one in segments)
        found[key] = MarkedResponse(where, response, marks)
    return found


def count_marks(marked: Sequence[MarkedResponse], kinds: Sequence[str]) -> dict[str, list[int]]:
    """What of an item the marks of several people count for: rates by type, and agreement of every two."""
    done = [one for one in marked if one.marks is not None]
    pairs = list(combinations(done, 2))
    shared = sum(2 * len(one.characters & other.characters) for one, other in pairs)
    return {
        **{kind: [sum(one.has(kind) for one in done), len(done)] for kind in kinds},
        "marked": [int(bool(done)), 1],
        "agreement": [sum(one.has("all") == other.has("all") for one, other in pairs), len(pairs)],
        "overlap": [shared, sum(len(one.characters) + len(other.characters) for one, other in pairs)],
    }


def compute_kappa(marked: Mapping[str, Mapping[str, bool]]) -> float | None:
    """Cohen's kappa of whether a response has a mark, the mean over every two people.

    Args:
        marked: Person -> response -> whether it has one; responses that only one of two has seen are left out.

    Returns:
        None where no two people have a response in common, or where both say the same of all.
    """
    found = [kappa for one, other in combinations(marked.values(), 2) if (kappa := _kappa(one, other)) is not None]
    return sum(found) / len(found) if found else None


def _kappa(one: Mapping[str, bool], other: Mapping[str, bool]) -> float | None:
    both = [(one[key], other[key]) for key in one if key in other]
    if not both:
        return None
    agreed = sum(first == second for first, second in both) / len(both)
    shares = [sum(pair[place] for pair in both) / len(both) for place in (0, 1)]
    chance = shares[0] * shares[1] + (1 - shares[0]) * (1 - shares[1])
    return None if chance == 1 else (agreed - chance) / (1 - chance)


def list_seen(items: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, bool]]:
    """(person, response, whether it has a mark) of items that hold `marks` by person."""
    for item in items:
        for person, segments in item["marks"].items():
            yield person, str(item["id"]), bool(segments)


def _parse_mark(value: Any, where: str, length: int) -> Mark:
    fields = Fields(value, f"{where}: segments", "segment", fix=_FIX)
    mark = Mark(fields.take("start", int), fields.take("end", int), fields.take("type", str))
    if not 0 <= mark.start < mark.end <= length:
        found = f"{mark.start}:{mark.end} of {length}"
        raise DataError(fields.where, expected="characters of the response", found=found, fix=_FIX)
    if mark.type not in MARK_TYPES:
        expected = " or ".join(MARK_TYPES)
        raise DataError(fields.where, expected=expected, found=f"type {mark.type!r}", fix="choose one of them")
    return mark
