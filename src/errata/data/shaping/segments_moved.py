"""Segments of a response against another best text than they were made for."""

from __future__ import annotations

from dataclasses import replace

from errata.corrections import diff_segments
from errata.records import Response, Segment


def compare_with(response: Response, best: Response, former_best: Response) -> Response:
    """The response with segments against `best`, made anew by the word-level difference where `best` is another text.

    A new segment has the type of the first old one whose own span it overlaps or touches. A response without segments
    stays without.
    """
    if best.rounds == former_best.rounds or not response.segments:
        return response
    pairs = enumerate(zip(response.rounds, best.rounds, strict=False))
    found = [one for number, (own, better) in pairs for one in diff_segments(own, better, round=number)]
    return replace(response, segments=tuple(_with_type(segment, response.segments) for segment in found))


def _with_type(segment: Segment, old: tuple[Segment, ...]) -> Segment:
    near = (one for one in old if one.round == segment.round and one.start <= segment.end and segment.start <= one.end)
    return replace(segment, type=next((one.type for one in near if one.type), None))
