"""How much of a response was changed to make the best one."""

from __future__ import annotations

from errata.corrections import diff_segments
from errata.records import Response


def measure_edit_ratio(response: Response, best: Response) -> float:
    """The share of the characters of both texts that lie in segments, from 0 (the same) to 1.

    Segments are the response's own; where it has none, those of the word-level difference.
    """
    pairs = list(zip(response.rounds, best.rounds, strict=False))
    segments = response.segments or [
        one for n, (own, better) in enumerate(pairs) for one in diff_segments(own, better, round=n)
    ]
    changed = sum(one.end - one.start + one.better_end - one.better_start for one in segments)
    return min(1.0, changed / sum(len(own) + len(better) for own, better in pairs))
