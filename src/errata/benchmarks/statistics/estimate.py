"""Metrics with intervals, by bootstrap over images.

Answers about one image are not independent, so whole images are drawn, not answers. Every metric here is a ratio of
sums over answers (F1 too: 2 TP / (2 TP + FP + FN)); an item carries its share as `counts[metric] = [numerator,
denominator]`, so that a result read back from JSON can still be compared. A metric made of others (a mean of three F1)
is a weighted sum of such ratios; a result says which in its settings, under `combined`.

Counts of items -> sums by image -> ratios, over all images or over images drawn with replacement.

An item carries its share of a metric as `counts[metric] = [numerator, denominator]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from errata.records import BenchmarkResult, Metric

Floats = NDArray[np.float64]
Item = dict[str, Any]

RESAMPLES = 1000
CHUNK = 2_000_000
"""Images drawn at once over all samples; they take about 50 MB."""


@dataclass(frozen=True, slots=True)
class Combined:
    """A metric made of others: `plus` + Σ weight · metric. It has no value where one of them has none."""

    weights: Mapping[str, float]
    plus: float = 0.0
    unit: str = "share"
    better: str = "neither"


def with_parts(names: Sequence[str], made: Mapping[str, Combined]) -> list[str]:
    """The metrics, and those that others are made of."""
    return list(dict.fromkeys([*names, *(part for one in made.values() for part in one.weights)]))


def combine(ratios: Floats, names: Sequence[str], made: Mapping[str, Combined]) -> Floats:
    """The ratios along the last axis, and behind them the metrics made of them."""
    columns = [
        one.plus + sum(weight * ratios[..., names.index(name)] for name, weight in one.weights.items())
        for one in made.values()
    ]
    return np.concatenate([ratios, np.stack(columns, axis=-1)], axis=-1) if columns else ratios


def number_images(items: Sequence[Item]) -> NDArray[np.intp]:
    """Items -> the number of their image, counted in order of appearance."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(str(item["image"]), len(numbers)) for item in items], dtype=np.intp)


def sum_by_image(items: Sequence[Item], names: Sequence[str], numbers: NDArray[np.intp]) -> Floats:
    """Counts summed by image: [images, metrics, 2]."""
    counts = np.array([[item["counts"].get(name, (0, 0)) for name in names] for item in items], dtype=np.float64)
    sums = np.zeros((int(numbers.max(initial=-1)) + 1, len(names), 2))
    np.add.at(sums, numbers, counts.reshape(len(items), len(names), 2))
    return sums


def resample(sums: Floats, resamples: int, seed: int) -> Iterator[Floats]:
    """Sums over drawn images, [samples, ...], in chunks that hold `CHUNK` draws."""
    images = len(sums)
    if not images:
        yield np.zeros((1, *sums.shape[1:]))
        return
    rng = np.random.default_rng(seed)
    flat = sums.reshape(images, -1)
    size = max(1, CHUNK // images)
    for start in range(0, resamples, size):
        samples = min(size, resamples - start)
        draws = rng.integers(images, size=(samples, images)) + np.arange(samples)[:, None] * images
        times = np.bincount(draws.ravel(), minlength=samples * images).reshape(samples, images)
        yield (times.astype(np.float64) @ flat).reshape(samples, *sums.shape[1:])


def take_ratios(sums: Floats) -> Floats:
    """Numerator over denominator along the last axis; NaN where the denominator is zero."""
    result = np.full(sums.shape[:-1], np.nan)
    np.divide(sums[..., 0], sums[..., 1], out=result, where=sums[..., 1] != 0)
    return result


def find_quantiles(samples: Floats) -> tuple[Floats, Floats]:
    """The 2.5 and 97.5 per cent points of each column, over the samples that have a value."""
    low, high = np.full((2, samples.shape[1]), np.nan)
    for i, column in enumerate(samples.T):
        finite = column[np.isfinite(column)]
        if len(finite):
            low[i], high[i] = np.quantile(finite, (0.025, 0.975))
    return low, high


def to_number(value: float) -> float | None:
    """The number for JSON; None where there is none."""
    return float(value) if np.isfinite(value) else None


__all__ = ["RESAMPLES", "Combined", "Item", "Unit", "describe_combined", "estimate", "recount"]


@dataclass(frozen=True, slots=True)
class Unit:
    """How a metric is printed: see `records.Metric`."""

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
    sums = sum_by_image(items, names, number_images(items))
    drawn = [combine(take_ratios(sample), names, made) for sample in resample(sums, resamples, seed)]
    low, high = find_quantiles(np.concatenate(drawn))
    total = sums.sum(axis=0)
    values = combine(take_ratios(total), names, made)
    metrics = {}
    printed: list[tuple[str, Unit | Combined]] = [*units.items(), *made.items()]
    for i, (name, unit) in enumerate(printed):
        numerator, n = total[i].tolist() if i < len(names) else (None, 0)
        taking_part = sum(bool(item["counts"].get(name, (0, 0))[1]) for item in items)
        ends = to_number(values[i]), to_number(low[i]), to_number(high[i])
        metrics[name] = Metric(*ends, round(n), unit.unit, unit.better, numerator, taking_part)
    return metrics


def recount(result: BenchmarkResult, items: Sequence[Item]) -> BenchmarkResult:
    """The same metrics over some of a result's items."""
    stated = result.settings.get("combined", {})
    printed = {name: Unit(metric.unit, metric.better) for name, metric in result.metrics.items()}
    made = {name: Combined(**one, unit=printed[name].unit, better=printed[name].better) for name, one in stated.items()}
    names = with_parts([name for name in printed if name not in made], made)
    counted = estimate(items, {name: printed.get(name, Unit()) for name in names}, combined=made)
    return replace(result, items=list(items), metrics={name: counted[name] for name in printed})


def describe_combined(combined: Mapping[str, Combined]) -> dict[str, Any]:
    """The metrics made of others as plain values for a result's settings, from which `compare` takes them."""
    return {name: {"weights": dict(made.weights), "plus": made.plus} for name, made in combined.items()}
