"""Two models on the same items: differences with bootstrap intervals, and a randomisation test, both over images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from errata.benchmarks.statistics.estimate import (
    CHUNK,
    RESAMPLES,
    Combined,
    Floats,
    combine,
    find_quantiles,
    number_images,
    resample,
    sum_by_image,
    take_ratios,
    to_number,
    with_parts,
)
from errata.errors import DataError
from errata.records import BenchmarkResult

_ROUNDING = 1e-12
"""Differences that are equal but for the order of their sums."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """`after - before` on the same items, with its 95 % bootstrap interval and the p of a paired randomisation test.

    All are None where either side has a zero denominator.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float | None


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
    numbers = number_images(before.items)
    sums = np.stack([sum_by_image(items, names, numbers) for items in (before.items, second)], axis=1)
    drawn = [np.diff(combine(take_ratios(s), names, made), axis=1)[:, 0] for s in resample(sums, resamples, seed)]
    value = np.diff(combine(take_ratios(sums.sum(axis=0)), names, made), axis=0)[0]
    differences = np.concatenate(drawn)
    low, high = find_quantiles(differences)
    columns = zip(value, low, high, _swap(sums, names, made, resamples, seed), strict=True)
    return {
        name: PairedDifference(*map(to_number, column)) if np.isfinite(column[0]) else PairedDifference(*[None] * 4)
        for name, column in zip([*names, *made], columns, strict=True)
        if name in before.metrics
    }


def _list_compared(before: BenchmarkResult, after: BenchmarkResult) -> tuple[list[str], dict[str, Combined]]:
    """The metrics that both have: ratios, with those that others are made of, and what is made alike in both."""
    shared = [name for name in before.metrics if name in after.metrics]
    stated, other = (result.settings.get("combined", {}) for result in (before, after))
    made = {name: Combined(**stated[name]) for name in shared if name in stated and stated[name] == other.get(name)}
    names = [name for name in shared if name not in stated and name not in other]
    return with_parts(names, made), made


def _swap(sums: Floats, names: Sequence[str], made: Mapping[str, Combined], samples: int, seed: int) -> Floats:
    """p of the paired randomisation test: were the models alike, a coin could say whose answers an image has.

    Args:
        sums: [images, 2, metrics, 2].
        names: The metrics.
        made: Those made of others.
        samples: How often every image's coin is thrown.
        seed: Of the coins.

    Returns:
        Per metric the share of throws whose difference is as far from zero as the one found, counting one more.
    """
    before, after = sums.sum(axis=0)
    moved = (sums[:, 1] - sums[:, 0]).reshape(len(sums), -1)
    rng = np.random.default_rng(seed)
    found = np.abs(_difference(before, after, names, made))
    further, usable = np.zeros((2, len(found)))
    size = max(1, CHUNK // max(1, len(sums)))
    for start in range(0, samples, size):
        coins = rng.integers(2, size=(min(size, samples - start), len(sums))).astype(np.float64)
        swapped = (coins @ moved).reshape(len(coins), *before.shape)
        drawn = _difference(before + swapped, after - swapped, names, made)
        further += (np.abs(drawn) >= found - _ROUNDING).sum(axis=0)
        usable += np.isfinite(drawn).sum(axis=0)
    return np.asarray((further + 1) / (usable + 1), dtype=np.float64)


def _difference(before: Floats, after: Floats, names: Sequence[str], made: Mapping[str, Combined]) -> Floats:
    return combine(take_ratios(after), names, made) - combine(take_ratios(before), names, made)


def _require_same_items(before: BenchmarkResult, after: BenchmarkResult) -> None:
    where = f"{before.benchmark} of {before.model or 'before'} and {after.model or 'after'}"
    kinds = [(result.benchmark, result.mode) for result in (before, after)]
    if kinds[0] != kinds[1]:
        raise DataError(
            where,
            expected="the same benchmark and mode",
            found=" and ".join(map(", ".join, kinds)),
            fix="score both alike",
        )
    places = [{item["id"]: str(item["image"]) for item in result.items} for result in (before, after)]
    if places[0] != places[1] or len(places[0]) != len(before.items) or len(places[1]) != len(after.items):
        differing = sorted(str(key) for key, _ in places[0].items() ^ places[1].items())[:3]
        found = f"items that differ, such as {', '.join(differing) or 'an id that occurs twice'}"
        raise DataError(where, expected="answers to the same questions", found=found, fix="answer the same set again")
