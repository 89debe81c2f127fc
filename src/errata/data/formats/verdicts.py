"""What one annotator said about the answers to a question, as records. Label Studio and Argilla lead here.

Spans that an annotator marked in a text, as typed segments of a correction.

Tools that run in a browser count UTF-16 units, where an emoji takes two; records count Unicode code points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from errata.corrections import diff_segments
from errata.data.formats.format import ReadContext
from errata.data.text_limits import MAX_CHARACTERS
from errata.errors import count_noun
from errata.records import SEGMENT_TYPES, Record, Response, Segment, Turn


@dataclass(frozen=True, slots=True)
class Mark:
    """A labelled span of a text, in code points, its end exclusive."""

    start: int
    end: int
    label: str | None

    @property
    def type(self) -> str | None:
        """The label as a segment type: its name in any case, alone or as the last part (`Hallucination: Object`)."""
        words = (self.label or "").lower().replace("/", ":").replace("_", ":").replace("-", ":").split(":")
        last = words[-1].strip()
        return last if last in SEGMENT_TYPES else None


def from_utf16(text: str, offset: int) -> int | None:
    """A place counted in UTF-16 units, in code points; None outside the text or inside a character."""
    data = text.encode("utf-16-le")
    if not 0 <= 2 * offset <= len(data):
        return None
    try:
        return len(data[: 2 * offset].decode("utf-16-le"))
    except UnicodeDecodeError:
        return None


def segments_from_marks(worse: str, better: str, marks: Sequence[Mark]) -> tuple[tuple[Segment, ...], list[Mark]]:
    """Segments that undo like those of the word-level difference, with the extent and type of the marks.

    A mark takes in the differences that it touches; it and they become one segment, whose better span is what stands in
    the other text between the same neighbours. Differences without a mark stay as they are, untyped.

    Args:
        worse: The text that was marked.
        better: What it was corrected to.
        marks: Spans of `worse`.

    Returns:
        The segments in order, and the marks on words that the better text leaves as they were.
    """
    differences = list(diff_segments(worse, better))
    segments, unused, done = [], [], 0
    for mark in sorted(marks, key=lambda mark: (mark.start, mark.end)):
        touched = [one for one in differences if _touches(one, mark)]
        if not touched:
            unused.append(mark)
            continue
        differences = [one for one in differences if one not in touched]
        segments.append(_join(mark, touched, done))
        done = segments[-1].end
    return tuple(sorted([*segments, *differences], key=lambda one: (one.start, one.end))), unused


def _touches(difference: Segment, mark: Mark) -> bool:
    """Whether they share a character, or something was put in at the mark's edge or inside it."""
    if difference.start == difference.end:
        return mark.start <= difference.start <= mark.end
    return difference.start < mark.end and mark.start < difference.end


def _join(mark: Mark, touched: list[Segment], done: int) -> Segment:
    """One segment over the mark and its differences. Outside of differences both texts are the same: offsets shift."""
    first, last = touched[0], touched[-1]
    start, end = max(min(mark.start, first.start), done), max(mark.end, last.end)
    better_start = first.better_start - (first.start - start)
    return Segment(start, end, better_start, last.better_end + end - last.end, type=mark.type)


IMAGES = ("image", "images", "img", "image_url", "image_path", "picture", "photo")
ANSWERS = ("response", "answer", "output", "completion", "caption", "description", "text", "rejected")
"""Usual names of fields, where `--columns prompt=… image=… response=…` names none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One annotator's work on one question; answers are known by the name of their field.

    Args:
        levels: 0 for the best answer; equal numbers are ties.
        corrections: What an answer should have said.
        marks: Spans of an answer that are wrong.
        meta: What else to keep (who it was, comments).
    """

    levels: Mapping[str, float] = field(default_factory=dict)
    corrections: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, Sequence[Mark]] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)


def build_records(answers: Mapping[str, str], verdict: Verdict, context: ReadContext, **fields: Any) -> list[Record]:
    """One record for each answer that was corrected, its correction above it, or else one of the ranked answers.

    Args:
        answers: Their texts by the name of their field.
        verdict: What the annotator said about them.
        context: The row's.
        fields: `id`, `prompt` (turns), `images` and what else every record gets.

    Raises:
        DataError: Nothing that makes one answer better than another.
    """
    changed = {name: text for name, text in verdict.corrections.items() if text.strip() and text != answers[name]}
    if not changed:
        if len(set(verdict.levels.values())) < 2:
            fix = "add a corrected text, a choice, a rating or a ranking; a supervised answer needs another format"
            raise context.error("answers of which one is better", _describe(answers, verdict), fix)
        return [_build(_rank(answers, verdict.levels), verdict, context, fields)]
    records = []
    for number, (name, text) in enumerate(changed.items(), 1):
        below = {**{other: level + 1 for other, level in verdict.levels.items()}}
        below.setdefault(name, 1.0)
        levels = {"": min(below.values()) - 1, **below}
        own = {**fields, "id": fields["id"] if len(changed) == 1 else f"{fields['id']}-{number}"}
        records.append(_build(_rank({"": text, **answers}, levels), verdict, context, own))
    return records


def _rank(answers: Mapping[str, str], levels: Mapping[str, float]) -> list[tuple[str, str, int]]:
    """(name, text, level) of the answers that have a level, best first, levels without gaps."""
    numbers = {value: number for number, value in enumerate(sorted(set(levels.values())))}
    ranked = [(name, answers[name], numbers[level]) for name, level in levels.items()]
    return sorted(ranked, key=lambda answer: answer[2])


def _build(
    ranked: list[tuple[str, str, int]], verdict: Verdict, context: ReadContext, fields: Mapping[str, Any]
) -> Record:
    best, unused = ranked[0][1], []
    responses = []
    for name, text, level in ranked:
        segments: tuple[Segment, ...] = ()
        marks = verdict.marks.get(name, ())
        if level and marks and max(len(text), len(best)) <= MAX_CHARACTERS:
            segments, marks = segments_from_marks(text, best, marks)
        unused += [{"answer": name, "start": one.start, "end": one.end, "label": one.label} for one in marks]
        responses.append(Response((Turn("assistant", text),), level, segments))
    meta = {**fields.get("meta", {}), **verdict.meta} | ({"unused_marks": unused} if unused else {})
    return context.build_record(**{**fields, "responses": tuple(responses), "meta": meta})


def _describe(answers: Mapping[str, str], verdict: Verdict) -> str:
    if verdict.corrections:
        return "a correction that changes nothing"
    if verdict.levels:
        return "a tie" if len(verdict.levels) > 1 else "one answer"
    return f"{count_noun(len(answers), 'answer')} and " + ("marks alone" if verdict.marks else "no word about them")
