"""Averages over all pairs, records and tokens since the last line of the log, over every process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from errata.training.processes import gather


class Share(NamedTuple):
    """A sum and what it is divided by, where that is not the number of its terms."""

    total: Tensor | float
    number: int


Values = Mapping[str, Tensor | Share]
"""Name -> values to average, each as much as any other, or their sum and count."""


class RunningMeans:
    """Sums and counts by name; nothing waits for the device until the means are asked for."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor | float] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: Values) -> None:
        """Count every element of every value."""
        for name, value in values.items():
            total, count = value if isinstance(value, Share) else (value.detach().double().sum(), value.numel())
            self._sums[name] = self._sums.get(name, 0.0) + total
            self._counts[name] = self._counts.get(name, 0) + count

    def take(self) -> dict[str, float]:
        """The means over all processes, which need not know the same names; afterwards nothing is counted any more."""
        own = {name: (float(total), self._counts[name]) for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        sums: dict[str, float] = {}
        counts: dict[str, int] = {}
        for part in gather(own):
            for name, (total, count) in part.items():
                sums[name], counts[name] = sums.get(name, 0.0) + total, counts.get(name, 0) + count
        return {name: sums[name] / counts[name] for name in sorted(sums) if counts[name]}
