"""Results as lines: every metric with its interval, its denominator, and how much is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from errata.errors import DONE, INCOMPLETE


def print_evaluation(evaluation: Any) -> int:
    """Print results, what is missing and what others published; returns the exit code that it makes of the verb."""
    from errata.benchmarks import BENCHMARKS

    for result in evaluation.results:
        for name, metric in result.metrics.items():
            print(f"{name_result(result):25} {name:19} {format_metric(metric)}")
    for name, coverage in evaluation.coverage.items():
        print(f"{name}: {describe_coverage(coverage)}")
        print_published(BENCHMARKS[name].card)
    return DONE if evaluation.complete else INCOMPLETE


def print_published(card: Any) -> None:
    """Numbers of others, quoted apart from ours."""
    for number in card.published:
        note = f"; {number.note}" if number.note else ""
        print(f"  quoted, not measured here: {number.model}, {number.metric} {number.value} ({number.source}{note})")


def name_result(result: Any) -> str:
    """Numbers by our own rules never stand under the official name."""
    return f"{result.benchmark} (strict)" if result.mode == "strict" else str(result.benchmark)


def describe_coverage(coverage: Any) -> str:
    """How many were measured, and what is odd about them."""
    parts = [f"{coverage.answered} of {coverage.questions} answered"]
    parts += [f"{count} {what}" for count, what in _list_odd(coverage) if count]
    return ", ".join(parts)


def _list_odd(coverage: Any) -> Iterable[tuple[int, str]]:
    yield coverage.empty, "empty"
    yield coverage.cut, "cut off"
    yield coverage.unjudged, "without a verdict; the same command asks for them again"
    yield coverage.unreadable, "verdicts unreadable"


def format_metric(metric: Any) -> str:
    """A metric as `12.3 % (10.0 - 15.1)   37 / 301`; a dash where its denominator is zero."""
    counts = f"{metric.numerator:g} / {metric.n}" if metric.numerator is not None else ""
    if metric.value is None:
        return f"{'-':28}{counts}".rstrip()
    scale, unit = (100, " %") if metric.unit == "share" else (1, f" {metric.unit}")
    interval = "" if metric.low is None else f" ({metric.low * scale:.1f} - {metric.high * scale:.1f})"
    spread = "" if metric.spread is None else f" ± {metric.spread * scale:.1f}"
    return (f"{metric.value * scale:.1f}{unit}{spread}{interval}".ljust(28) + counts).rstrip()
