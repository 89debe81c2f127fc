"""Ids that occur once, made of ids that may not."""

from __future__ import annotations

from collections import Counter


class FreeIds:
    """Released files repeat their ids; every record needs its own."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._repeated: Counter[str] = Counter()  # where to go on: a file may give a million rows one id

    def take(self, name: str) -> str:
        """`name`, or with the smallest number that makes it new."""
        free = name
        while free in self._taken:
            self._repeated[name] += 1
            free = f"{name}.{self._repeated[name] + 1}"
        self._taken.add(free)
        return free
