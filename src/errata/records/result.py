"""What a benchmark found: metrics with their intervals, and the items they were computed from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from errata.errors import DataError


@dataclass(frozen=True, slots=True)
class Metric:
    """A number with its 95 % interval. `value` is None where the denominator is zero, never 0.

    `n` is the denominator and `numerator` stands above it; a metric made of others has neither. `items` counts the
    answers that have a part in it. `spread` is the standard deviation over the samples of a judge, where there were
    several.
    `unit` is "share" (0 to 1, printed as per cent), "words", "points" (of a judge's scale) or "count"; `better` is
    "lower", "higher" or "neither".
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    unit: str = "share"
    better: str = "neither"
    numerator: float | None = None
    items: int = 0
    spread: float | None = None


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """One benchmark on one model.

    `mode` is "official" (bug-compatible) or "strict"; `items` holds one dict per answer with at least `id`;
    `settings` holds whatever changes the numbers (decoding, vocabulary, judge, vintage).
    """

    benchmark: str
    mode: str
    model: str
    metrics: dict[str, Metric]
    items: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


def result_to_row(result: BenchmarkResult) -> dict[str, Any]:
    """The JSON form of a result; its items are those of the result, not copies."""
    row = {one.name: getattr(result, one.name) for one in fields(result)}
    return row | {"metrics": {name: asdict(metric) for name, metric in result.metrics.items()}}


def result_from_row(row: Any, where: str) -> BenchmarkResult:
    """Turn the JSON form back into a result. Raises DataError that begins with `where`."""
    try:
        metrics = {name: Metric(**metric) for name, metric in row["metrics"].items()}
        return BenchmarkResult(**{**row, "metrics": metrics})
    except (AttributeError, KeyError, TypeError) as error:
        found = f"{type(error).__name__}: {error}"
        raise DataError(where, expected="a benchmark result", found=found, fix="run the evaluation again") from None
