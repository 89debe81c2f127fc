"""Kendall's rank correlation of two orders, ties handled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations


def kendall_tau(ranks: Sequence[float], other: Sequence[float]) -> float | None:
    """Kendall's τ-b of two rankings of the same things: 1 for the same order, -1 for the reverse.

    τ-b = (concordant − discordant) / √(pairs untied in one × pairs untied in the other): a pair that ties in one of
    them counts neither way. A strict order against one with ties therefore stays below 1 (2/√6 = 0.816 for three things
    of which two tie).

    Args:
        ranks: A number for each thing, equal numbers are ties; only their order counts.
        other: The same for the other ranking.

    Returns:
        τ-b, or None where one of the rankings ties everything: it has no order to agree with.
    """
    agreement = untied = other_untied = 0
    for (one, one_other), (two, two_other) in combinations(zip(ranks, other, strict=True), 2):
        sign, other_sign = _sign(one, two), _sign(one_other, two_other)
        agreement += sign * other_sign
        untied += sign != 0
        other_untied += other_sign != 0
    return agreement / math.sqrt(untied * other_untied) if untied and other_untied else None


def _sign(one: float, two: float) -> int:
    return (one > two) - (one < two)
