"""Kendall's tau-b: by hand, and as identities."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errata.feedback import kendall_tau

RANKS = st.lists(st.integers(0, 4), min_size=2, max_size=7)


def test_orders_by_hand():
    assert kendall_tau([1, 2, 3], [10, 20, 30]) == 1
    assert kendall_tau([1, 2, 3], [3, 2, 1]) == -1
    assert kendall_tau([1, 2, 3], [1, 3, 2]) == pytest.approx(1 / 3)  # one of three pairs is swapped


def test_ties_by_hand():
    # Pairs: (0,1) ties in the second, the other two agree; 3 untied in the first, 2 in the second.
    assert kendall_tau([1, 2, 3], [0, 0, 5]) == pytest.approx(2 / math.sqrt(6))
    # 1,2 against 2,1 disagree; every pair with the third agrees; the fourth ties with the third in both.
    assert kendall_tau([1, 2, 3, 3], [2, 1, 3, 3]) == pytest.approx((4 - 1) / 5)
    assert kendall_tau([1, 1, 1], [1, 2, 3]) is None
    assert kendall_tau([], []) is None


@given(RANKS, st.randoms(use_true_random=False))
def test_it_is_symmetric_and_knows_no_names_and_no_scale(ranks, random):
    other = random.choices(range(4), k=len(ranks))
    tau = kendall_tau(ranks, other)
    assert kendall_tau(other, ranks) == tau
    order = random.sample(range(len(ranks)), len(ranks))
    assert kendall_tau([ranks[i] for i in order], [other[i] for i in order]) == tau
    assert kendall_tau([rank**3 for rank in ranks], other) == tau
    assert tau is None or -1 <= tau <= 1
    reverse = kendall_tau(ranks, [-one for one in other])
    assert reverse == (None if tau is None else -tau)
