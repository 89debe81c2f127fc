"""Pairs of a better and a worse response -> those that are kept, so that length is not what is learnt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal, get_args

from errata.errors import DataError
from errata.feedback.style_words import Pair, count_words

LengthBalance = Literal["extremes", "lengths", "shares"]
"""What is done: `extremes` drops the most extreme ratios on the side where the mean lies until mean lengths are equal.
RLAIF-V's released rule drops pairs whose better response is the shorter one by more than a bound; the bound is the one
that leaves mean lengths (`lengths`), or how many better responses are shorter and longer (`shares`), nearest."""
LENGTH_BALANCES: tuple[LengthBalance, ...] = get_args(LengthBalance)

EQUAL = 0.01
"""Mean lengths that differ by less than this share are equal."""
RATIOS = tuple(number * 0.02 for number in range(50))
"""The bounds that are tried, in order: how much shorter than the worse text a better one may be."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What balancing kept: `kept` are numbers of pairs; `ratio` is the released rule's bound, None of none that keeps
    any pair."""

    ratio: float | None
    kept: tuple[int, ...]


def balance_pairs(pairs: Sequence[Pair], by: LengthBalance) -> Balance:
    """Keep pairs by a rule. Raises DataError where `extremes` would keep none."""
    if by == "extremes":
        kept = drop_extremes([(count_words(better), count_words(worse)) for better, worse in pairs])
        return Balance(None, tuple(sorted(kept)))
    return balance_lengths([(" ".join(better.rounds), " ".join(worse.rounds)) for better, worse in pairs], by)


def drop_extremes(lengths: Sequence[tuple[int, int]]) -> set[int]:
    """Which pairs to keep so that both sides are of equal length on average.

    Pairs go from the most extreme ratio on, and only where the longer side is the one that is longer on average.

    Args:
        lengths: Words of the better and of the worse response.

    Raises:
        DataError: No pair would be left.
    """
    excess = sum(better - worse for better, worse in lengths)
    sign = 1 if excess > 0 else -1
    order = sorted(range(len(lengths)), key=lambda n: -sign * math.log(lengths[n][0] / lengths[n][1]))
    kept, total = set(order), sum(worse for _, worse in lengths)
    for number in order:
        if sign * excess <= EQUAL * total:
            break
        better, worse = lengths[number]
        excess, total = excess - (better - worse), total - worse
        kept.remove(number)
    if lengths and not kept:
        raise DataError(
            "length_balance",
            expected="pairs of both kinds: some with the longer answer above, some with the shorter",
            found=f"the better answer is {'longer' if sign > 0 else 'shorter'} in all {len(lengths)}",
            fix="leave the balance out, or make answers of other lengths",
        )
    return kept


def balance_lengths(texts: Sequence[tuple[str, str]], by: LengthBalance = "lengths") -> Balance:
    """RLAIF-V's released rule: drop pairs whose better text is much shorter than the worse one.

    Of the bounds `RATIOS` the first is taken that leaves the smallest imbalance. Pairs whose better text is the longer
    one always stay, those of equal texts never. An empty subset is not divided by its size, as the release does.

    Args:
        texts: Better and worse text of each pair; lengths are counted in words between white space.
        by: What is balanced, `lengths` or `shares`.
    """
    lengths = [(len(better.split()), len(worse.split())) for better, worse in texts]
    usable = [n for n, (one, other) in enumerate(texts) if one.strip() != other.strip() and lengths[n][1]]
    best, least = Balance(None, ()), float("inf")
    for ratio in RATIOS:
        kept = [n for n in usable if (lengths[n][1] - lengths[n][0]) / lengths[n][1] <= ratio]
        imbalance = _measure([lengths[n] for n in kept], by) if kept else float("inf")
        if imbalance < least:
            best, least = Balance(ratio, tuple(kept)), imbalance
    return best


def _measure(lengths: Sequence[tuple[int, int]], by: LengthBalance) -> float:
    if by == "shares":
        shorter = sum(better < worse for better, worse in lengths)
        longer = sum(better > worse for better, worse in lengths)
        return abs(shorter - longer) / len(lengths)
    better_mean, worse_mean = (fmean(column) for column in zip(*lengths, strict=True))
    return abs(better_mean - worse_mean) / worse_mean
