"""Averages over all pairs and records since the last line of the log, over every process."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.distributed as dist
from torch import Tensor


class RunningMeans:
    """Sums and counts by name; nothing waits for the device until the means are asked for."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: Mapping[str, Tensor], *, counts: bool = True) -> None:
        """Add every element of every value; without `counts` note the names alone, which every process must have."""
        for name, tensor in values.items():
            total = (
                tensor.detach().double().sum() if counts else torch.zeros((), dtype=torch.double, device=tensor.device)
            )
            self._sums[name] = self._sums[name] + total if name in self._sums else total
            self._counts[name] = self._counts.get(name, 0) + (tensor.numel() if counts else 0)

    def take(self) -> dict[str, float]:
        """The means over all processes; afterwards nothing is counted any more."""
        names = sorted(self._sums)
        if not names:
            return {}
        sums = torch.stack([self._sums[name] for name in names])
        counts = torch.tensor([self._counts[name] for name in names], dtype=sums.dtype, device=sums.device)
        self._sums, self._counts = {}, {}
        if dist.is_available() and dist.is_initialized():
            table = torch.stack([sums, counts])
            dist.all_reduce(table)
            sums, counts = table
        return {name: mean for name, mean in zip(names, (sums / counts).tolist(), strict=True) if mean == mean}
