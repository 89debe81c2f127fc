"""What keeps a difference in length from being learnt: answers that are far longer or shorter are dropped."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

from errata.errors import ConfigError, DataError
from errata.feedback.outcome import Feedback
from errata.feedback.style import count_words
from errata.feedback.tally import Tally
from errata.records import Record, Response

BALANCED = 0.01
"""Mean lengths that differ by less than this share are equal."""

Balance = Literal["none", "length"]
BALANCES: tuple[Balance, ...] = get_args(Balance)

TOO_FAR = "length too far from the best answer's"
UNBALANCED = "left out to balance lengths"

_Reasons = dict[int, dict[int, str]]
"""By the record's place: by the response's place, why it goes."""


@dataclass(frozen=True, slots=True)
class StyleRule:
    """Which lower responses go for their length, which is counted in words and compared with the best response's.

    Args:
        max_length_factor: Those that are more than so many times as long, or as short.
        balance: `length` leaves out those with the most extreme ratios, on the side where the mean lies, until the
            best responses and the lower ones are of equal length on average.
    """

    max_length_factor: float | None = None
    balance: Balance = "none"

    def __post_init__(self) -> None:
        factor = self.max_length_factor
        if factor is not None and not 1 <= factor < math.inf:
            raise ConfigError(
                "max_length_factor", expected="a number of at least 1", found=str(factor), fix="2 allows twice as long"
            )
        if self.balance not in BALANCES:
            raise ConfigError(
                "balance", expected=f"one of {', '.join(BALANCES)}", found=repr(self.balance), fix="choose one"
            )


def guard_style(
    feedback: Feedback, rule: StyleRule, *, prompt_of: Callable[[Record], str] = lambda record: record.id
) -> Feedback:
    """Drop responses by the rule, and records that then compare nothing.

    A prompt without any record left is dropped from the tally by name. `meta.style_guard` of a record says which of
    its responses are gone, by their places; levels close up. `report.style_guard` counts all of them.

    Args:
        feedback: Of any method.
        rule: What goes.
        prompt_of: The prompt, as the tally names it, that a record was made of.

    Raises:
        DataError: Lengths cannot be balanced: the best responses are longer in every pair, or shorter.
    """
    if rule == StyleRule():
        return feedback
    reasons = _find_dropped(feedback.records, rule)
    kept, left_out = [], dict[str, str]()
    for number, record in enumerate(feedback.records):
        gone = reasons.get(number, {})
        if gone and len(gone) == sum(level > 0 for level in record.levels):
            left_out[prompt_of(record)] = next(iter(gone.values()))
        else:
            kept.append(_remove(record, gone) if gone else record)
    counts = Counter(reason for gone in reasons.values() for reason in gone.values())
    report = {"dropped": dict(counts), "records_left_out": len(feedback.records) - len(kept)}
    return replace(
        feedback,
        records=kept,
        tally=_drop_prompts(feedback.tally, left_out, {prompt_of(record) for record in kept}),
        settings=feedback.settings | {"style_guard": asdict(rule)},
        report=feedback.report | {"style_guard": report},
    )


def _drop_prompts(tally: Tally, left_out: Mapping[str, str], kept: set[str]) -> Tally:
    tally = replace(tally, dropped=list(tally.dropped))
    for prompt, reason in left_out.items():
        if prompt not in kept:
            tally.kept -= 1
            tally.drop(prompt, reason)
    return tally


def _find_dropped(records: Sequence[Record], rule: StyleRule) -> _Reasons:
    """Far ones first: what is left is balanced."""
    reasons: _Reasons = defaultdict(dict)
    pairs = [
        (number, place, count_words(record.responses[0]), count_words(response))
        for number, record in enumerate(records)
        for place, response in enumerate(record.responses)
        if response.level
    ]
    most = math.inf if rule.max_length_factor is None else rule.max_length_factor
    near = [pair for pair in pairs if max(pair[2], pair[3]) <= most * min(pair[2], pair[3])]
    for number, place, *_ in set(pairs) - set(near):
        reasons[number][place] = TOO_FAR
    if rule.balance == "length":
        kept = choose_balanced([(best, lower) for *_, best, lower in near])
        for number, place, *_ in (pair for n, pair in enumerate(near) if n not in kept):
            reasons[number][place] = UNBALANCED
    return reasons


def choose_balanced(lengths: Sequence[tuple[int, int]]) -> set[int]:
    """Which pairs to keep so that both sides are of equal length on average.

    Pairs go from the most extreme ratio on, and only where the longer side is the one that is longer on average.

    Args:
        lengths: Words of the best and of the lower response.

    Raises:
        DataError: No pair would be left.
    """
    excess = sum(best - lower for best, lower in lengths)
    sign = 1 if excess > 0 else -1
    order = sorted(range(len(lengths)), key=lambda n: -sign * math.log(lengths[n][0] / lengths[n][1]))
    kept, total = set(order), sum(lower for _, lower in lengths)
    for number in order:
        if sign * excess <= BALANCED * total:
            break
        best, lower = lengths[number]
        excess, total = excess - (best - lower), total - lower
        kept.remove(number)
    if lengths and not kept:
        raise DataError(
            "balance",
            expected="pairs of both kinds: some with the longer answer above, some with the shorter",
            found=f"the better answer is {'longer' if sign > 0 else 'shorter'} in all {len(lengths)}",
            fix="leave the balance out, or make answers of other lengths",
        )
    return kept


def _remove(record: Record, gone: Mapping[int, str]) -> Record:
    """The record without these responses; ratings, which have one number per response, lose theirs."""
    stay = [place for place in range(len(record.responses)) if place not in gone]
    rated = record.meta.get("levels_by", {}).get("ratings", [])
    moved = {name: [record.meta[name][place] for place in stay] for name in rated}
    responses = close_levels([record.responses[place] for place in stay])
    return replace(record, responses=responses, meta=record.meta | moved | {"style_guard": sorted(gone)})


def close_levels(responses: Sequence[Response]) -> tuple[Response, ...]:
    """Responses whose levels count from 0 without gaps; ties stay ties."""
    ranks = {level: rank for rank, level in enumerate(sorted({one.level for one in responses}))}
    return tuple(replace(one, level=ranks[one.level]) for one in responses)
