"""Counts of items -> sums by image -> ratios, over all images or over images drawn with replacement.

An item carries its share of a metric as `counts[metric] = [numerator, denominator]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
