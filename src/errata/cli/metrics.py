"""Results as lines: every metric with its interval, its denominator, and how much is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from errata.errors import DONE, INCOMPLETE, count_noun

_ODD = {
    "empty": "empty",
    "cut": "cut off",
    "stand_ins": "about synthetic stand-ins for their images, which measure nothing",
}
"""Counts that are named where there are any."""


def print_evaluation(evaluation: Any) -> int:
    """Print results, what is missing and what others published; returns the exit code that it makes of the verb."""
    from errata.benchmarks import BENCHMARKS

    lines = [
        (name_result(one), name, format_metric(metric))
        for one in evaluation.results
        for name, metric in one.metrics.items()
    ]
    widths = [max((len(line[place]) for line in lines), default=0) for place in (0, 1)]
    for result, name, value in lines:
        print(f"{result:{widths[0]}} {name:{widths[1]}} {value}".rstrip())
    for name, coverage in evaluation.coverage.items():
        print(f"{name}: {describe_coverage(name, asdict(coverage))}")
        if name in evaluation.quotable:
            print_published(BENCHMARKS[name].card)
    if evaluation.asked or evaluation.recalled:
        asked = count_noun(evaluation.asked, "reply", "replies")
        print(f"judge: {asked} asked for, {evaluation.recalled} from the cache")
    return DONE if evaluation.complete else INCOMPLETE


def print_published(card: Any) -> None:
    """Numbers of others, quoted apart from ours."""
    for number in card.published:
        note = f"; {number.note}" if number.note else ""
        print(f"  quoted, not measured here: {number.model}, {number.metric} {number.value} ({number.source}{note})")


def name_result(result: Any) -> str:
    """Numbers by our own rules never stand under the official name."""
    return f"{result.benchmark} (strict)" if result.mode == "strict" else str(result.benchmark)


def describe_coverage(benchmark: str, coverage: Mapping[str, int]) -> str:
    """How many were measured and, also where there are none, how many are missing or unreadable; then what is odd."""
    from errata.benchmarks import BENCHMARKS

    missing = coverage["questions"] - coverage["answered"]
    parts = [f"{coverage['answered']} of {coverage['questions']} answered", f"{missing} missing"]
    if benchmark in BENCHMARKS and BENCHMARKS[benchmark].card.judge:
        again = "; the same command asks for them again" if coverage["unjudged"] else ""
        unreadable = f"{count_noun(coverage['unreadable'], 'verdict')} unreadable"
        parts += [f"{coverage['unjudged']} without a verdict{again}", unreadable]
    return ", ".join([*parts, *(f"{coverage[name]} {what}" for name, what in _ODD.items() if coverage.get(name))])


def format_metric(metric: Any) -> str:
    """A metric as `12.3 % (10.0 - 15.1)   37 / 301`; a dash where its denominator is zero."""
    counts = f"{metric.numerator:g} / {metric.n}" if metric.numerator is not None else ""
    if metric.value is None:
        return f"{'-':28}{counts}".rstrip()
    scale, unit, digits = {"share": (100, " %", 1), "points": (1, "", 2)}.get(metric.unit, (1, f" {metric.unit}", 1))
    value, low, high, spread = (
        None if one is None else f"{one * scale:.{digits}f}"
        for one in (metric.value, metric.low, metric.high, metric.spread)
    )
    text = f"{value}{unit}" + (f" ± {spread}" if spread else "") + (f" ({low} - {high})" if low else "")
    return (text.ljust(28) + counts).rstrip()
