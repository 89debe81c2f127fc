"""One of several answers, by their rewards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Normalise = Literal["length", "none"]
"""Divide by the number of tokens, or not: the sum prefers short answers, as most tokens have a negative share in it."""


def choose_best(rewards: Sequence[float | None]) -> int:
    """The number of the highest reward, of equal ones the first; 0 where no answer has a reward."""
    return max(range(len(rewards)), key=lambda number: _rank(rewards[number]))


def _rank(reward: float | None) -> float:
    return float("-inf") if reward is None else reward
