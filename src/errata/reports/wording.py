"""What the metrics are called and how a number, an interval and a change are written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from errata.records import BenchmarkResult, Metric
from errata.reports.results import Difference

MINUS = "−"
HARD_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class MetricText:
    """A metric's short name, and what it says in plain words."""

    label: str
    meaning: str


BENCHMARKS = {
    "chair": ("CHAIR", "descriptions"),
    "pope": ("POPE", "mean of the settings"),
    "pope_random": ("POPE", "random"),
    "pope_popular": ("POPE", "popular"),
    "pope_adversarial": ("POPE", "adversarial"),
    "object_halbench": ("Object HalBench", ""),
    "object_halbench_offline": ("Object HalBench", "nouns by our own rules"),
    "amber": ("AMBER", "both parts"),
    "amber_offline": ("AMBER", "both parts, nouns by our own rules"),
    "amber_generative": ("AMBER", "descriptions"),
    "amber_generative_offline": ("AMBER", "descriptions, nouns by our own rules"),
    "amber_discriminative": ("AMBER", "yes/no questions"),
    "mhumaneval": ("MHumanEval", "marked by people"),
    "overgeneralisation": ("Over-generalisation", "mean of the scenes"),
}
"""Title and part of it."""

METRICS = {
    "chair": {
        "chair_s": MetricText("CHAIR_s", "descriptions that name at least one object the image does not show"),
        "chair_i": MetricText("CHAIR_i", "object mentions that name something the image does not show"),
        "recall": MetricText("object recall", "objects in the image that the description names"),
        "words": MetricText("words", "words per description"),
        "words_truthful": MetricText("truthful words", "words per description outside hallucinated mentions"),
    },
    "pope": {
        "accuracy": MetricText("accuracy", "yes/no questions answered correctly"),
        "precision": MetricText("precision", "answers of “yes” that are right"),
        "recall": MetricText("recall", "objects in the image that were confirmed with “yes”"),
        "f1": MetricText("F1", "harmonic mean of precision and recall"),
        "f1_mean": MetricText("mean F1", "mean of the settings' F1"),
        "accuracy_mean": MetricText("mean accuracy", "mean of the settings' accuracies"),
        "unknown_share": MetricText("no verdict", "answers that say neither yes nor no"),
        "yes_share": MetricText("share of yes", "answers that say “yes”; half of the questions deserve it"),
    },
    "object": {
        "response_hall": MetricText("response hall.", "answers with a made-up object, of those that name any"),
        "object_hall": MetricText("mention hall.", "object mentions that name something the image does not show"),
        "recall": MetricText("object recall", "objects in the image that the answer names"),
        "response_hall_all": MetricText("response hall., all", "answers with a made-up object, of all"),
        "with_objects": MetricText("naming objects", "answers that name any object"),
        "words": MetricText("words", "words per answer"),
        "unreadable": MetricText("unreadable", "answers whose objects the judge did not list"),
    },
    "amber": {
        "chair": MetricText("CHAIR", "mentions of listed nouns that are made up"),
        "cover": MetricText("Cover", "true words that descriptions name"),
        "hal": MetricText("Hal", "descriptions with a made-up noun"),
        "cog": MetricText("Cog", "words one would imagine that descriptions name"),
        "f1": MetricText("F1", "harmonic mean of precision and recall of “no”"),
        "amber": MetricText("AMBER", "half of 100 − CHAIR + F1"),
        "unknown_share": MetricText("no verdict", "answers that say neither yes nor no"),
    },
    "mhumaneval": {
        "all": MetricText("all", "answers in which people marked a hallucination"),
        "marked": MetricText("marked", "answers that somebody has marked"),
        "agreement": MetricText("agreement", "answers that two people judge alike"),
        "overlap": MetricText("overlap", "marked characters that two people share"),
    },
    "overgeneralisation": {
        "average": MetricText("average", "mentions of the scene's usual objects that are made up"),
        "scene": MetricText("in the scene", "the same in images of the scene"),
        "difference": MetricText("difference", "how much more is made up in the scene"),
    },
}


def metric_text(benchmark: str, name: str) -> MetricText:
    """Name and meaning of a metric; one we do not know keeps its own name."""
    return METRICS.get(benchmark.split("_")[0], {}).get(name, MetricText(name, ""))


def benchmark_label(benchmark: str, mode: str) -> str:
    """The benchmark's name for a heading. Numbers by our own rules never stand under the official name."""
    title, part = BENCHMARKS.get(benchmark, (benchmark, ""))
    name = f"{title} strict" if mode == "strict" else title
    return f"{name} · {part}" if part else name


def sample_size(result: BenchmarkResult) -> str:
    """How many answers the first, and so the main, metric counts; nothing where the file does not say."""
    n = next((metric.n for metric in result.metrics.values()), 0)
    return f"{n:,}" if n else ""


def scaled(value: float, unit: str) -> float:
    """The number as it is printed: shares in per cent, everything else as it is."""
    return value * 100 if unit == "share" else value


def format_number(value: float | None, unit: str, *, signed: bool = False) -> str:
    """One decimal, counts without; `n/a` for None. A signed zero is not written."""
    if value is None:
        return "n/a"
    number = scaled(value, unit)
    digits = 0 if unit == "count" else 1
    sign = "+" if signed and round(number, digits) != 0 else ""
    return f"{number:{sign}z,.{digits}f}".replace("-", MINUS)


def format_value(metric: Metric | None) -> str:
    """The metric with its unit, such as `41.2 %`."""
    if metric is None or metric.value is None:
        return "n/a"
    number = format_number(metric.value, metric.unit)
    return f"{number}{HARD_SPACE}%" if metric.unit == "share" else number


def format_counts(metric: Metric | None) -> str:
    """What a metric is a ratio of, as `37 of 301`; nothing for one made of others or where the file does not say."""
    if metric is None or metric.numerator is None:
        return ""
    return f"{metric.numerator:,.6g} of {metric.n:,}"


def format_interval(low: float | None, high: float | None, unit: str, *, signed: bool = False) -> str:
    """Both ends of an interval, or nothing where there is none."""
    if low is None or high is None:
        return ""
    return f"{format_number(low, unit, signed=signed)} to {format_number(high, unit, signed=signed)}"


def format_change(difference: Difference, unit: str) -> str:
    """A signed change; shares change by points."""
    text = format_number(difference.value, unit, signed=True)
    return f"{text} points" if unit == "share" and difference.value is not None else text


def format_relative(before: Metric | None, after: Metric | None) -> str:
    """How much is left or gone, such as `59 % fewer` or `99.1 % of before`; nothing where the ratio has no meaning."""
    if before is None or after is None or not before.value or after.value is None or before.unit == "count":
        return ""
    ratio = after.value / before.value
    if before.better == "lower":
        return f"{abs(1 - ratio) * 100:.0f} % {'fewer' if ratio <= 1 else 'more'}"
    return f"{ratio * 100:.1f} % of before"


def format_moment(created: str) -> str:
    """An ISO date and time as a reader writes it; other text as it is."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or ''}".rstrip()


def verdict(difference: Difference, better: str) -> str:
    """`better`, `worse` or `changed` where the paired interval excludes zero; `unclear` where it does not.

    Without an interval there is no verdict: an empty string.
    """
    low, high = difference.low, difference.high
    if low is None or high is None:
        return ""
    if low <= 0 <= high:
        return "unclear"
    if better not in ("lower", "higher"):
        return "changed"
    return "better" if (high < 0) == (better == "lower") else "worse"


def format_fact(value: object) -> str:
    """A setting or a measured fact as a reader writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}" if not math.isfinite(value) or abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, list | tuple):
        return ", ".join(format_fact(item) for item in value)
    return str(value)


def flatten_facts(facts: dict[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted name, text) rows, in the file's order."""
    rows: list[tuple[str, str]] = []
    for name, value in facts.items():
        if isinstance(value, dict):
            rows += flatten_facts(value, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", format_fact(value)))
    return rows
