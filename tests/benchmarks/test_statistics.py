"""The bootstrap: against arithmetic, over images, paired, and through JSON."""

from __future__ import annotations

import itertools
import json
import time

import numpy as np
import pytest

from errata.benchmarks import Unit, compare, estimate, score_pope
from errata.errors import DataError
from errata.records import Answer, BenchmarkResult, Metric, Question, Turn, result_from_row, result_to_row

UNITS = {"share": Unit()}


def _items(values, images=None):
    images = images or [str(i) for i in range(len(values))]
    return [
        {"id": str(i), "image": image, "counts": {"share": [value, 1]}}
        for i, (value, image) in enumerate(zip(values, images, strict=True))
    ]


def _result(values, images=None, **changes):
    items = _items(values, images)
    fields = {"benchmark": "b", "mode": "strict", "model": "m", "metrics": estimate(items, UNITS), "items": items}
    return BenchmarkResult(**{**fields, **changes})


def test_interval_of_a_share_is_the_normal_one():
    rng = np.random.default_rng(0)
    values = [int(value) for value in rng.random(1000) < 0.3]
    metric = estimate(_items(values), UNITS, resamples=4000)["share"]
    error = 1.96 * np.sqrt(metric.value * (1 - metric.value) / 1000)
    assert metric.n == 1000
    assert metric.low == pytest.approx(metric.value - error, abs=0.004)
    assert metric.high == pytest.approx(metric.value + error, abs=0.004)


def test_images_are_drawn_not_answers():
    values = [i % 2 for i in range(40) for _ in range(5)]
    alone = estimate(_items(values), UNITS)["share"]
    together = estimate(_items(values, [str(i) for i in range(40) for _ in range(5)]), UNITS)["share"]
    assert together.high - together.low == pytest.approx(5**0.5 * (alone.high - alone.low), rel=0.15)


def test_same_seed_same_interval():
    items = _items([0, 1, 1, 0, 1] * 10)
    assert estimate(items, UNITS, seed=1) == estimate(items, UNITS, seed=1) != estimate(items, UNITS, seed=2)


def test_nothing_to_count():
    assert estimate([], UNITS)["share"].value is None
    item = {"id": "a", "image": "a", "counts": {}}
    metric = estimate([item], UNITS)["share"]
    assert (metric.value, metric.low, metric.high, metric.n) == (None, None, None, 0)


def test_paired_difference_is_sharper_than_two_intervals():
    rng = np.random.default_rng(1)
    before = [int(value) for value in rng.random(400) < 0.5]
    after = [0 if value and i % 10 == 0 else value for i, value in enumerate(before)]
    difference = compare(_result(before), _result(after))["share"]
    assert difference.value == pytest.approx(np.mean(after) - np.mean(before))
    assert difference.low <= difference.value <= difference.high < 0
    assert difference.p < 0.01
    same = compare(_result(before), _result(before))["share"]
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)


@pytest.mark.parametrize("count", [3, 8])
def test_p_is_that_of_all_swaps_of_images(count):
    """Ratios of sums, with unequal images; of a few images every swap can be listed."""
    rng = np.random.default_rng(count)
    first, second = rng.integers(1, 9, size=(2, count, 2))
    results = [
        BenchmarkResult("b", "strict", "m", {"share": Metric(0.5)}, _count_items(side)) for side in (first, second)
    ]
    found = compare(*results, resamples=20_000)["share"]

    def difference(swaps):
        sides = [np.where(np.array(swaps)[:, None], *pair).sum(axis=0) for pair in ((second, first), (first, second))]
        return sides[1][0] / sides[1][1] - sides[0][0] / sides[0][1]

    every = [abs(difference(swaps)) for swaps in itertools.product((False, True), repeat=count)]
    assert found.value == pytest.approx(difference([False] * count))
    assert found.p == pytest.approx(np.mean(np.array(every) >= abs(found.value) - 1e-12), abs=0.015)
    assert found.p >= 2 / 2**count - 0.015


def _count_items(sides):
    return [{"id": str(i), "image": str(i), "counts": {"share": side.tolist()}} for i, side in enumerate(sides)]


def test_comparison_joins_by_id_and_survives_json():
    before, after = _result([0, 1, 1, 0]), _result([0, 0, 1, 0])
    shuffled = _result([0, 0, 1, 0], items=after.items[::-1])
    back = result_from_row(json.loads(json.dumps(result_to_row(shuffled))), "results.json")
    assert back == shuffled
    assert compare(before, back) == compare(before, after)


def test_what_cannot_be_compared():
    with pytest.raises(DataError, match="same benchmark and mode"):
        compare(_result([0, 1]), _result([0, 1], mode="official"))
    with pytest.raises(DataError, match="answers to the same questions"):
        compare(_result([0, 1]), _result([0, 1, 1]))
    with pytest.raises(DataError, match="a benchmark result"):
        result_from_row({"metrics": 3}, "results.json")


def test_difference_without_a_denominator_has_no_value():
    items = [{"id": "a", "image": "a", "counts": {"share": [0, 0]}}]
    empty = _result([0], items=items)
    difference = compare(empty, _result([0], items=[{**items[0], "counts": {"share": [1, 1]}}]))["share"]
    assert (difference.value, difference.low, difference.high, difference.p) == (None, None, None, None)


def test_three_thousand_answers_take_well_under_a_second():
    turn = (Turn("user", "Is there a cat?"),)
    questions = [Question(str(i), (str(i // 6),), turn, {"label": "yes" if i % 2 else "no"}) for i in range(3000)]
    answers = [Answer(q.id, "yes" if i % 3 else "no") for i, q in enumerate(questions)]
    start = time.process_time()
    result = score_pope(questions, answers)
    scored = time.process_time()
    compare(result, result)
    assert scored - start < 1
    assert time.process_time() - scored < 1
