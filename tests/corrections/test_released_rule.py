"""The released token-id rule against vectors recorded from RLHF-V's code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from errata.corrections import released_changed_ids
from errata.errors import ConfigError


def test_every_recorded_case(vectors: Callable[[str], Any]) -> None:
    cases = vectors("diff_ids")["cases"]
    assert len(cases) == 28
    for case in cases:
        found = released_changed_ids(case["a"], case["b"], case["min_match_size"])
        assert found == (case["a_ids"], case["b_ids"]), case["name"]


def test_what_only_one_side_has_is_no_change() -> None:
    assert released_changed_ids([1, 2, 3, 9, 4, 5, 6], [1, 2, 3, 4, 5, 6]) == ([], [])


def test_a_short_match_between_two_changes_is_swallowed() -> None:
    assert released_changed_ids([1, 2, 3, 8, 5, 9, 6, 7, 4], [1, 2, 3, 0, 5, 10, 6, 7, 4]) == ([3, 4, 5], [3, 4, 5])


def test_a_match_size_below_one_is_named() -> None:
    with pytest.raises(ConfigError, match="min_match_size"):
        released_changed_ids([1], [2], 0)
