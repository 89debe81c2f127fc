"""Segments of a response against another best text than they were made for."""

from __future__ import annotations

from dataclasses import replace

from errata.corrections import diff_segments
from errata.records import Response, Segment


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
