"""Records to look at in a terminal, and the segments they lack."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace

from errata.corrections import diff_segments
from errata.records import Record, Response, Segment


def render_record(record: Record) -> str:
    """A record as text: each worse answer with what should not be there as `[-…-]` and what should as `{+…+}`."""
    lines = [f"{record.id}  images: {', '.join(record.images) or 'none'}"]
    lines += [f"  {turn.role}: {turn.text}" for turn in record.prompt]
    best = record.responses[0]
    for response in record.responses:
        model = f" ({response.model})" if response.model else ""
        for number, text in enumerate(response.rounds):
            segments = [segment for segment in response.segments if segment.round == number]
            marked = mark_segments(text, best.rounds[number], segments) if segments else text
            lines.append(f"  level {response.level}{model}: {marked}")
    return make_printable("\n".join(lines))


def mark_segments(text: str, better: str, segments: Sequence[Segment]) -> str:
    """`text` with every segment's own and better span marked; segments that overlap an earlier one are left out."""
    parts, done = [], 0
    for segment in sorted(segments, key=lambda segment: (segment.start, segment.end)):
        if segment.start < done:
            continue
        wrong, right = text[segment.start : segment.end], better[segment.better_start : segment.better_end]
        parts += [text[done : segment.start], f"[-{wrong}-]" if wrong else "", f"{{+{right}+}}" if right else ""]
        done = segment.end
    return "".join([*parts, text[done:]])


def make_printable(text: str) -> str:
    """Text without control characters other than line ends: a model's text must not steer the reader's terminal."""
    return "".join(c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf") else repr(c)[1:-1] for c in text)


def find_segments(records: Iterable[Record], *, replace_all: bool = False) -> list[Record]:
    """Records whose worse answers carry the segments of a word-level difference from the best answer.

    Args:
        records: Any records.
        replace_all: Also replace segments that are there already, which loses their types.
    """
    return [fill_segments(record, replace_all=replace_all) for record in records]


def fill_segments(record: Record, *, replace_all: bool = False) -> Record:
    """The record with segments for the worse answers that have none, or for all."""
    best = record.responses[0]
    responses = [
        response if response.level == 0 or (response.segments and not replace_all) else _diff(response, best)
        for response in record.responses
    ]
    return replace(record, responses=tuple(responses))


def _diff(response: Response, best: Response) -> Response:
    pairs = enumerate(zip(response.rounds, best.rounds, strict=False))
    found = [segment for number, (own, better) in pairs for segment in diff_segments(own, better, round=number)]
    return replace(response, segments=tuple(found))
