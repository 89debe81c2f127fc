"""A text cut where its segments begin and end, for whoever shows it: a terminal, a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from errata.records import Record, Segment


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text. `segments` are the numbers of those that cover it; none for what did not change.

    `role` is "same", "wrong" (a worse answer's own span) or "right" (the span of the best answer in its place). A wrong
    piece without text is something that was left out; `other` is the text on the other side.
    """

    text: str
    role: str = "same"
    type: str | None = None
    other: str = ""
    segments: tuple[int, ...] = ()


def cut_worse(text: str, better: str, segments: Sequence[tuple[int, Segment]]) -> list[Piece]:
    """The pieces of one round of a worse answer; segments that overlap an earlier one are left out.

    Args:
        text: The answer's round.
        better: The same round of the best answer.
        segments: The segments of that round, each with its number in the record.
    """
    pieces, done = [], 0
    for number, s in sorted(segments, key=lambda item: (item[1].start, item[1].end)):
        if s.start < done:
            continue
        pieces.append(Piece(text[done : s.start]))
        pieces.append(Piece(text[s.start : s.end], "wrong", s.type, better[s.better_start : s.better_end], (number,)))
        done = s.end
    return [piece for piece in [*pieces, Piece(text[done:])] if piece.text or piece.role != "same"]


def cut_best(text: str, segments: Sequence[tuple[int, Segment, str]]) -> list[Piece]:
    """The pieces of one round of the best answer, which segments of several worse ones may cover.

    Args:
        text: The round.
        segments: Those of that round, each with its number in the record and the worse text that it stands in for.
    """
    edges = sorted({0, len(text), *(place for _, s, _ in segments for place in (s.better_start, s.better_end))})
    pieces = []
    for start, end in pairwise(edges):
        over = [item for item in segments if item[1].better_start <= start and end <= item[1].better_end]
        role, kind = ("right", over[0][1].type) if over else ("same", None)
        others = " | ".join(dict.fromkeys(other for _, _, other in over if other))
        pieces.append(Piece(text[start:end], role, kind, others, tuple(number for number, _, _ in over)))
    return pieces


def cut_record(record: Record) -> list[list[list[Piece]]]:
    """All responses of a record as pieces: `pieces[response][round]`; segments are numbered through the record."""
    best = record.responses[0].rounds
    numbered = [
        [(offset + i, segment) for i, segment in enumerate(response.segments)]
        for offset, response in zip(_offsets(record), record.responses, strict=True)
    ]
    cut = []
    for response, segments in zip(record.responses, numbered, strict=True):
        rounds = enumerate(response.rounds)
        cut.append(
            [
                cut_worse(text, best[n] if n < len(best) else "", [item for item in segments if item[1].round == n])
                for n, text in rounds
            ]
        )
    cut[0] = [
        cut_best(
            text,
            [
                (number, s, response.rounds[n][s.start : s.end])
                for response, segments in zip(record.responses[1:], numbered[1:], strict=True)
                for number, s in segments
                if s.round == n
            ],
        )
        for n, text in enumerate(best)
    ]
    return cut


def _offsets(record: Record) -> list[int]:
    offsets = [0]
    for response in record.responses[:-1]:
        offsets.append(offsets[-1] + len(response.segments))
    return offsets
