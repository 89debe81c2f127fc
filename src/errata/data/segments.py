"""The segments that records lack, by a word-level difference.

How much of a response was changed to make the best one.

Segments of a response against another best text than they were made for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from errata.corrections import diff_segments
from errata.records import Record, Response, Segment


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


def measure_edit_ratio(response: Response, best: Response) -> float:
    """From 0 (the same) to 1: the share of both texts' characters that lie in segments.

    Without segments, the share of both texts' words that the other lacks, which takes a fraction of a diff's time.
    """
    if response.segments:
        changed = sum(one.end - one.start + one.better_end - one.better_start for one in response.segments)
        return min(1.0, changed / (sum(map(len, response.rounds)) + sum(map(len, best.rounds))))
    own, better = (Counter(" ".join(one.rounds).split()) for one in (response, best))
    return 1 - 2 * (own & better).total() / (own.total() + better.total())


def compare_with(response: Response, best: Response, former_best: Response) -> Response:
    """The response with segments against `best`, made anew by the word-level difference where `best` is another text.

    A new segment has the type of the first old one whose own span it overlaps or touches. A response without segments
    stays without, but the former best gets those that `best` had against it, seen from the other side.
    """
    if best.rounds == former_best.rounds:
        return response
    old = tuple(map(_turn_round, best.segments)) if response.rounds == former_best.rounds else response.segments
    if not old:
        return response
    pairs = enumerate(zip(response.rounds, best.rounds, strict=False))
    found = [one for number, (own, better) in pairs for one in diff_segments(own, better, round=number)]
    return replace(response, segments=tuple(_with_type(segment, old) for segment in found))


def _turn_round(one: Segment) -> Segment:
    """The segment as the other text has it."""
    return replace(one, start=one.better_start, end=one.better_end, better_start=one.start, better_end=one.end)


def _with_type(segment: Segment, old: tuple[Segment, ...]) -> Segment:
    near = (one for one in old if one.round == segment.round and one.start <= segment.end and segment.start <= one.end)
    return replace(segment, type=next((one.type for one in near if one.type), None))
