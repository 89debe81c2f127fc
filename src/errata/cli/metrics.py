"""Results as lines: every metric with its interval, its denominator, and how much is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from errata.errors import DONE, INCOMPLETE, count_noun
from errata.records import describe_changes, describe_coverage, describe_details


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
        counts = asdict(coverage)
        print(f"{name}: {name_coverage(name, counts)}")
        for line in describe_details(counts):
            print(f"  {line}")
        if name in evaluation.quotable:
            print_published(BENCHMARKS[name].card)
    if evaluation.asked or evaluation.recalled:
        asked = count_noun(evaluation.asked, "reply", "replies")
        print(f"judge: {asked} asked for, {evaluation.recalled} from the cache")
    for name, judge in evaluation.judges.items():
        for line in describe_judge(judge):
            print(f"judge of {name}: {line}")
    return DONE if evaluation.complete else INCOMPLETE


def print_published(card: Any) -> None:
    """Numbers of others, quoted apart from ours."""
    for number in card.published:
        note = f"; {number.note}" if number.note else ""
        print(f"  quoted, not measured here: {number.model}, {number.metric} {number.value} ({number.source}{note})")


def name_result(result: Any) -> str:
    """Numbers by our own rules never stand under the official name."""
    return f"{result.benchmark} (strict)" if result.mode == "strict" else str(result.benchmark)


def name_coverage(benchmark: str, coverage: Mapping[str, Any]) -> str:
    """How much of a benchmark was measured; of one with a judge also how many verdicts are missing or unreadable."""
    from errata.benchmarks import BENCHMARKS

    return describe_coverage(coverage, judged=benchmark in BENCHMARKS and bool(BENCHMARKS[benchmark].card.judge))


def describe_judge(judge: Mapping[str, Any]) -> list[str]:
    """What is odd about a judge's replies: several models, replies that were cut off, what its server did not take."""
    models, cut = judge.get("reply_models", []), judge.get("cut_replies", 0)
    lines = [f"replies of several models: {', '.join(models)}"] if len(models) > 1 else []
    if cut:
        lines.append(f"{count_noun(cut, 'reply', 'replies')} cut off at the limit of tokens, each asked for once more")
    return lines + describe_changes(judge.get("changes", []), "reply", "replies")


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
