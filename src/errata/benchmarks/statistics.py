"""Intervals and paired differences, by bootstrap over images.

Answers about one image are not independent, so whole images are drawn, not answers. Every metric here is a ratio of
sums over answers (F1 too: 2 TP / (2 TP + FP + FN)); an item carries its share as `counts[metric] = [numerator,
denominator]`, so that a result read back from JSON can still be compared. A metric made of others (a mean of three F1)
is a weighted sum of such ratios; a result says which in its settings, under `combined`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from errata.errors import DataError
from errata.records import BenchmarkResult, Metric

Floats = NDArray[np.float64]
Item = dict[str, Any]

RESAMPLES = 1000
_CHUNK = 2_000_000
"""Images drawn at once over all samples; they take about 50 MB."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """`after - before` on the same items, with its 95 % interval and two-sided bootstrap p.

    All are None where either side has a zero denominator.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float | None


@dataclass(frozen=True, slots=True)
class Unit:
    """How a metric is printed: see `records.Metric`."""

    unit: str = "share"
    better: str = "neither"


@dataclass(frozen=True, slots=True)
class Combined:
    """A metric made of others: `plus` + Σ weight · metric. It has no value where one of them has none."""

    weights: Mapping[str, float]
    plus: float = 0.0
    unit: str = "share"
    better: str = "neither"


def estimate(
    items: Sequence[Item],
    units: Mapping[str, Unit],
    *,
    combined: Mapping[str, Combined] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Metric]:
    """Every metric of `units` and `combined` with its 95 % percentile interval.

    Args:
        items: Dicts with `image` and `counts`; a metric that an item lacks counts 0 / 0 there.
        units: Metric name -> how it is printed.
        combined: Further metrics, made of those in `units`.
        resamples: Bootstrap samples.
        seed: Of the bootstrap; the same seed and number of images draw the same samples.
    """
    names, made = list(units), dict(combined or {})
    sums = _sum_by_image(items, names, _image_numbers(items))
    drawn = [_combine(_ratio(sample), names, made) for sample in _resample(sums, resamples, seed)]
    low, high = _quantiles(np.concatenate(drawn))
    total = sums.sum(axis=0)
    values = _combine(_ratio(total), names, made)
    metrics = {}
    printed: list[tuple[str, Unit | Combined]] = [*units.items(), *made.items()]
    for i, (name, unit) in enumerate(printed):
        numerator, n = total[i].tolist() if i < len(names) else (None, 0)
        taking_part = sum(bool(item["counts"].get(name, (0, 0))[1]) for item in items)
        ends = _number(values[i]), _number(low[i]), _number(high[i])
        metrics[name] = Metric(*ends, round(n), unit.unit, unit.better, numerator, taking_part)
    return metrics


def compare(
    before: BenchmarkResult, after: BenchmarkResult, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, PairedDifference]:
    """Differences of two models on the same items, for every metric both have.

    Raises:
        DataError: The results are of different benchmarks or modes, or their items differ.
    """
    _require_same_items(before, after)
    names, made = _list_compared(before, after)
    by_id = {item["id"]: item for item in after.items}
    second = [by_id[item["id"]] for item in before.items]
    numbers = _image_numbers(before.items)
    sums = np.stack([_sum_by_image(items, names, numbers) for items in (before.items, second)], axis=1)
    drawn = [np.diff(_combine(_ratio(s), names, made), axis=1)[:, 0] for s in _resample(sums, resamples, seed)]
    value = np.diff(_combine(_ratio(sums.sum(axis=0)), names, made), axis=0)[0]
    differences = np.concatenate(drawn)
    low, high = _quantiles(differences)
    columns = zip(value, low, high, _two_sided_p(differences), strict=True)
    return {
        name: PairedDifference(*map(_number, column)) if np.isfinite(column[0]) else PairedDifference(*[None] * 4)
        for name, column in zip([*names, *made], columns, strict=True)
        if name in before.metrics
    }


def recount(result: BenchmarkResult, items: Sequence[Item]) -> BenchmarkResult:
    """The same metrics over some of a result's items."""
    stated = result.settings.get("combined", {})
    printed = {name: Unit(metric.unit, metric.better) for name, metric in result.metrics.items()}
    made = {name: Combined(**one, unit=printed[name].unit, better=printed[name].better) for name, one in stated.items()}
    names = _with_parts([name for name in printed if name not in made], made)
    counted = estimate(items, {name: printed.get(name, Unit()) for name in names}, combined=made)
    return replace(result, items=list(items), metrics={name: counted[name] for name in printed})


def describe_combined(combined: Mapping[str, Combined]) -> dict[str, Any]:
    """The metrics made of others as plain values for a result's settings, from which `compare` takes them."""
    return {name: {"weights": dict(made.weights), "plus": made.plus} for name, made in combined.items()}


def _list_compared(before: BenchmarkResult, after: BenchmarkResult) -> tuple[list[str], dict[str, Combined]]:
    """The metrics that both have: ratios, with those that others are made of, and what is made alike in both."""
    shared = [name for name in before.metrics if name in after.metrics]
    stated, other = (result.settings.get("combined", {}) for result in (before, after))
    made = {name: Combined(**stated[name]) for name in shared if name in stated and stated[name] == other.get(name)}
    names = [name for name in shared if name not in stated and name not in other]
    return _with_parts(names, made), made


def _with_parts(names: Sequence[str], made: Mapping[str, Combined]) -> list[str]:
    return list(dict.fromkeys([*names, *(part for one in made.values() for part in one.weights)]))


def _combine(ratios: Floats, names: Sequence[str], made: Mapping[str, Combined]) -> Floats:
    """The ratios along the last axis, and behind them the metrics made of them."""
    columns = [
        one.plus + sum(weight * ratios[..., names.index(name)] for name, weight in one.weights.items())
        for one in made.values()
    ]
    return np.concatenate([ratios, np.stack(columns, axis=-1)], axis=-1) if columns else ratios


def _image_numbers(items: Sequence[Item]) -> NDArray[np.intp]:
    """Items -> the number of their image, counted in order of appearance."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(str(item["image"]), len(numbers)) for item in items], dtype=np.intp)


def _sum_by_image(items: Sequence[Item], names: Sequence[str], numbers: NDArray[np.intp]) -> Floats:
    """Counts summed by image: [images, metrics, 2]."""
    counts = np.array([[item["counts"].get(name, (0, 0)) for name in names] for item in items], dtype=np.float64)
    sums = np.zeros((int(numbers.max(initial=-1)) + 1, len(names), 2))
    np.add.at(sums, numbers, counts.reshape(len(items), len(names), 2))
    return sums


def _resample(sums: Floats, resamples: int, seed: int) -> Iterator[Floats]:
    """Sums over drawn images, [samples, ...], in chunks that hold `_CHUNK` draws."""
    images = len(sums)
    if not images:
        yield np.zeros((1, *sums.shape[1:]))
        return
    rng = np.random.default_rng(seed)
    flat = sums.reshape(images, -1)
    size = max(1, _CHUNK // images)
    for start in range(0, resamples, size):
        samples = min(size, resamples - start)
        draws = rng.integers(images, size=(samples, images)) + np.arange(samples)[:, None] * images
        times = np.bincount(draws.ravel(), minlength=samples * images).reshape(samples, images)
        yield (times.astype(np.float64) @ flat).reshape(samples, *sums.shape[1:])


def _ratio(sums: Floats) -> Floats:
    """Numerator over denominator along the last axis; NaN where the denominator is zero."""
    result = np.full(sums.shape[:-1], np.nan)
    np.divide(sums[..., 0], sums[..., 1], out=result, where=sums[..., 1] != 0)
    return result


def _quantiles(samples: Floats) -> tuple[Floats, Floats]:
    """The 2.5 and 97.5 per cent points of each column, over the samples that have a value."""
    low, high = np.full((2, samples.shape[1]), np.nan)
    for i, column in enumerate(samples.T):
        finite = column[np.isfinite(column)]
        if len(finite):
            low[i], high[i] = np.quantile(finite, (0.025, 0.975))
    return low, high


def _two_sided_p(differences: Floats) -> Floats:
    """Twice the smaller share of samples on either side of zero, counting one more so that it is never 0."""
    tails = np.minimum((differences <= 0).sum(axis=0), (differences >= 0).sum(axis=0))
    finite = np.isfinite(differences).sum(axis=0)
    return np.asarray(np.minimum(1.0, 2 * (tails + 1) / (finite + 1)), dtype=np.float64)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _require_same_items(before: BenchmarkResult, after: BenchmarkResult) -> None:
    where = f"{before.benchmark} of {before.model or 'before'} and {after.model or 'after'}"
    kinds = [(result.benchmark, result.mode) for result in (before, after)]
    if kinds[0] != kinds[1]:
        raise DataError(where, expected="the same benchmark and mode", found=f"{kinds}", fix="score both alike")
    places = [{item["id"]: str(item["image"]) for item in result.items} for result in (before, after)]
    if places[0] != places[1] or len(places[0]) != len(before.items) or len(places[1]) != len(after.items):
        differing = sorted(str(key) for key, _ in places[0].items() ^ places[1].items())[:3]
        found = f"items that differ, such as {', '.join(differing) or 'an id that occurs twice'}"
        raise DataError(where, expected="answers to the same questions", found=found, fix="answer the same set again")
