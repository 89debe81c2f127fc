"""How much of a response was changed to make the best one."""

from __future__ import annotations

from collections import Counter

from errata.records import Response


def measure_edit_ratio(response: Response, best: Response) -> float:
    """From 0 (the same) to 1: the share of both texts' characters that lie in segments.

    Without segments, the share of both texts' words that the other lacks, which takes a fraction of a diff's time.
    """
    if response.segments:
        changed = sum(one.end - one.start + one.better_end - one.better_start for one in response.segments)
        return min(1.0, changed / (sum(map(len, response.rounds)) + sum(map(len, best.rounds))))
    own, better = (Counter(" ".join(one.rounds).split()) for one in (response, best))
    return 1 - 2 * (own & better).total() / (own.total() + better.total())
