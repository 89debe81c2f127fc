"""Spans that an annotator marked in a text, as typed segments of a correction.

Tools that run in a browser count UTF-16 units, where an emoji takes two; records count Unicode code points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from errata.corrections import diff_segments
from errata.records import SEGMENT_TYPES, Segment


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
