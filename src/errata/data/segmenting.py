"""The segments that records lack, by a word-level difference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from errata.corrections import diff_segments
from errata.records import Record, Response


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
