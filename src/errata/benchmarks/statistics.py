"""Metrics with intervals, by bootstrap over images.

Answers about one image are not independent, so whole images are drawn, not answers. Every metric here is a ratio of
sums over answers (F1 too: 2 TP / (2 TP + FP + FN)); an item carries its share as `counts[metric] = [numerator,
denominator]`, so that a result read back from JSON can still be compared. A metric made of others (a mean of three F1)
is a weighted sum of such ratios; a result says which in its settings, under `combined`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from errata.benchmarks.ratios import (
    RESAMPLES,
    Combined,
    Item,
    combine,
    find_quantiles,
    number_images,
    resample,
    sum_by_image,
    take_ratios,
    to_number,
    with_parts,
)
from errata.records import BenchmarkResult, Metric

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
