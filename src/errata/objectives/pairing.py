"""Which responses of a record are compared."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from errata.objectives.objective import Pairing


def find_pairs(levels: Sequence[int], pairing: Pairing) -> list[tuple[int, int]]:
    """The (better, worse) positions to compare, in order; equal levels are ties and are never compared.

    Args:
        levels: The level of each response, 0 is best.
        pairing: `best_vs_rest` compares level 0 with each lower one, `all_pairs` every two levels, `none` nothing.
    """
    if pairing == "none":
        return []
    order = sorted(range(len(levels)), key=lambda position: levels[position])
    pairs = [(better, worse) for better, worse in combinations(order, 2) if levels[better] < levels[worse]]
    return pairs if pairing == "all_pairs" else [pair for pair in pairs if levels[pair[0]] == 0]
