"""What the metrics are called and how a number, an interval and a change are written."""

from __future__ import annotations

import math
from datetime import datetime

from errata.records import BenchmarkResult, Metric
from errata.reports.results import Difference

MINUS = "−"
HARD_SPACE = "\N{NO-BREAK SPACE}"


_NOTES = {
    "stand_ins": "about stand-ins for their images",
    "refused": "refused",
    "empty": "empty",
    "endless": "without an end of their thoughts",
}


def sample_size(result: BenchmarkResult) -> str:
    """How many answers the first, and so the main, metric counts, and how many of the benchmark's say nothing or are
    about no real image.

    Nothing where the file does not say.
    """
    n = next((metric.items or metric.n for metric in result.metrics.values()), 0)
    notes = [f"{result.settings[name]} {what}" for name, what in _NOTES.items() if result.settings.get(name)]
    return ", ".join([*([f"{n:,}"] if n else []), *notes])


def scaled(value: float, unit: str) -> float:
    """The number as it is printed: shares in per cent, everything else as it is."""
    return value * 100 if unit == "share" else value


def format_number(value: float | None, unit: str, *, signed: bool = False) -> str:
    """One decimal, counts without and points with two; `n/a` for None. A signed zero is not written."""
    if value is None:
        return "n/a"
    number = scaled(value, unit)
    digits = {"count": 0, "points": 2}.get(unit, 1)
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
        nested = any(isinstance(item, dict) for item in value)
        return ("; " if nested else ", ").join(format_fact(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {format_fact(each)}" for name, each in value.items() if each not in ("", None))
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
