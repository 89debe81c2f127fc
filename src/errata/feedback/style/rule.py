"""What keeps a difference in length from being learnt: answers that are far longer or shorter are dropped.

Pairs of a better and a worse response -> those that are kept, so that length is not what is learnt.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any, Literal, get_args

from errata.errors import ConfigError, DataError
from errata.feedback.outcome import Feedback, move_values
from errata.feedback.style.measure import Pair, count_words
from errata.records import Record, Response

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


TOO_FAR = "length too far from the best answer's"
UNBALANCED = "left out to balance lengths"

_Reasons = dict[int, dict[int, str]]
"""By the record's place: by the response's place, why it goes."""


@dataclass(frozen=True, slots=True)
class StyleRule:
    """Which lower responses go for their length, which is compared with the best response's.

    Args:
        max_length_factor: Those that have more than so many times its words, or as many times fewer.
        length_balance: Those that go so that the best responses and the lower ones are equally long; None keeps them.
    """

    max_length_factor: float | None = None
    length_balance: LengthBalance | None = None

    def __post_init__(self) -> None:
        factor = self.max_length_factor
        if factor is not None and not 1 <= factor < math.inf:
            raise ConfigError(
                "max_length_factor", expected="a number of at least 1", found=str(factor), fix="2 allows twice as long"
            )
        if self.length_balance not in (None, *LENGTH_BALANCES):
            expected, found = f"{', '.join(LENGTH_BALANCES)} or none", repr(self.length_balance)
            raise ConfigError("length_balance", expected=expected, found=found, fix="choose one")


@dataclass(frozen=True, slots=True)
class Unfit:
    """By a pair's number why it goes, and the bound that RLAIF-V's rule chose, where it was asked."""

    reasons: dict[int, str]
    ratio: float | None = None

    def describe(self) -> dict[str, Any]:
        """As a report says it."""
        return {"dropped": dict(Counter(self.reasons.values())), "ratio": self.ratio}


def find_unfit(pairs: Sequence[Pair], rule: StyleRule) -> Unfit:
    """Which pairs of a better and a worse response go for their lengths. Far ones first: what is left is balanced.

    Raises:
        DataError: Lengths cannot be balanced: `extremes` would drop every pair.
    """
    most = math.inf if rule.max_length_factor is None else rule.max_length_factor
    lengths = [(count_words(better), count_words(worse)) for better, worse in pairs]
    near = [number for number, (one, other) in enumerate(lengths) if max(one, other) <= most * min(one, other)]
    reasons = dict.fromkeys(sorted({*range(len(pairs))} - {*near}), TOO_FAR)
    if rule.length_balance is None:
        return Unfit(reasons)
    balance = balance_pairs([pairs[number] for number in near], rule.length_balance)
    left = {near[number] for number in balance.kept}
    ratio = None if balance.ratio is None else round(balance.ratio, 2)
    return Unfit(reasons | {number: UNBALANCED for number in near if number not in left}, ratio)


def guard_style(feedback: Feedback, rule: StyleRule) -> Feedback:
    """Drop responses by the rule, and records that then compare nothing.

    A record that goes is dropped from the tally by name. `meta.style_guard` of the others says which of their responses
    are gone, by their places; levels close up. `report.style_guard` counts all of them.

    Args:
        feedback: Of a method that makes one record of a prompt, under the prompt's id.
        rule: What goes.

    Raises:
        DataError: As `find_unfit`.
    """
    if rule == StyleRule():
        return feedback
    reasons, unfit = _find_dropped(feedback.records, rule)
    tally = replace(feedback.tally, dropped=list(feedback.tally.dropped))
    kept = []
    for number, record in enumerate(feedback.records):
        gone = reasons.get(number, {})
        if gone and len(gone) == sum(level > 0 for level in record.levels):
            tally.kept -= 1
            tally.drop(record.id, next(iter(gone.values())))
        else:
            kept.append(_remove(record, gone) if gone else record)
    return replace(
        feedback,
        records=kept,
        tally=tally,
        settings=feedback.settings | {"style_guard": asdict(rule)},
        report=feedback.report | {"style_guard": unfit.describe()},
    )


def _find_dropped(records: Sequence[Record], rule: StyleRule) -> tuple[_Reasons, Unfit]:
    """Every lower response makes a pair with the best one."""
    places = [
        (number, place)
        for number, record in enumerate(records)
        for place, response in enumerate(record.responses)
        if response.level
    ]
    unfit = find_unfit([(records[n].responses[0], records[n].responses[place]) for n, place in places], rule)
    reasons: _Reasons = defaultdict(dict)
    for pair, reason in unfit.reasons.items():
        number, place = places[pair]
        reasons[number][place] = reason
    return reasons, unfit


def _remove(record: Record, gone: Mapping[int, str]) -> Record:
    """The record without these responses."""
    stay = [place for place in range(len(record.responses)) if place not in gone]
    responses = close_levels([record.responses[place] for place in stay])
    meta = record.meta | move_values(record, stay) | {"style_guard": sorted(gone)}
    return replace(record, responses=responses, meta=meta)


def close_levels(responses: Sequence[Response]) -> tuple[Response, ...]:
    """Responses whose levels count from 0 without gaps; ties stay ties."""
    ranks = {level: rank for rank, level in enumerate(sorted({one.level for one in responses}))}
    return tuple(replace(one, level=ranks[one.level]) for one in responses)
