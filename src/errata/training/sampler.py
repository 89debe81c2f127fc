"""Which records make up each optimiser step, and how a step is shared out over processes and micro-batches.

Two facts hold whatever the number of processes and the accumulation: the records of step s of epoch e are a function
of (seed, e, s), and every record of a step is in exactly one micro-batch that counts. An epoch sees every record once,
or as often as the weights of a mixture say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from transformers.trainer_pt_utils import BatchRebalanceSampler

from errata.data import Portion
from errata.errors import ConfigError, count_noun


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """A process's records between two accumulations, by position in the data set.

    `step_records` counts the records of the whole step, over all processes: what the loss is divided by. A filler
    counts for nothing; it is there because every process must run as many micro-batches as the others.
    """

    records: tuple[int, ...]
    step_records: int
    filler: bool = False


class StepSampler(BatchRebalanceSampler):  # type: ignore[misc]
    """Yields this process's micro-batches, `accumulation` of them per step; the last step may hold fewer records.

    It is a `BatchRebalanceSampler` because the Trainer leaves such a sampler's batches on the process that drew them.

    Args:
        lengths: Tokens of each record's tree: what balances the shares.
        records_per_step: Records of one step over all processes.
        accumulation: Micro-batches of one step on each process.
        processes, rank: Their number, and which one this is.
        seed: With the epoch it fixes the order; None keeps the order of the data.
        drop_last: Leave out a last step that would hold fewer records.
        portions: How often an epoch sees the records, which follow one another in this order; none for once each.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        *,
        records_per_step: int,
        accumulation: int = 1,
        processes: int = 1,
        rank: int = 0,
        seed: int | None = None,
        drop_last: bool = False,
        portions: Sequence[Portion] = (),
    ) -> None:
        self.lengths, self.records_per_step = list(lengths), records_per_step
        self.accumulation, self.processes, self.rank = accumulation, processes, rank
        self.seed, self.drop_last, self.epoch = seed, drop_last, 0
        self.portions = tuple(portions)

    @property
    def steps(self) -> int:
        """Optimiser steps of one epoch."""
        full, rest = divmod(count_seen(len(self.lengths), self.portions), self.records_per_step)
        return full + (1 if rest and not self.drop_last else 0)

    def __len__(self) -> int:
        return self.steps * self.accumulation

    def find_used(self, steps: int) -> set[int]:
        """The records that occur in the first so many steps, over as many epochs as they take."""
        used: set[int] = set()
        for epoch in range(-(-steps // self.steps)):
            if len(used) == len(self.lengths):
                break
            left = min(self.steps, steps - epoch * self.steps)
            used.update(self._draw_order(epoch)[: left * self.records_per_step])
        return used

    def count_drawn(self, steps: int) -> int:
        """Records of the first so many steps, as often as they are drawn."""
        seen = min(count_seen(len(self.lengths), self.portions), self.steps * self.records_per_step)
        epochs, rest = divmod(steps, self.steps)
        return epochs * seen + min(rest * self.records_per_step, seen)

    def __iter__(self) -> Iterator[list[MicroBatch]]:
        order = self._draw_order()
        for step in range(self.steps):
            records = order[step * self.records_per_step : (step + 1) * self.records_per_step]
            shares = self._share_out(records)
            # Share g goes to process g % processes: consecutive shares are alike in size.
            for micro in range(self.accumulation):
                share = shares[micro * self.processes + self.rank]
                # An item of a one-item batch: the data set builds the whole micro-batch from it.
                yield [MicroBatch(share or (records[0],), len(records), filler=not share)]

    def _draw_order(self, epoch: int | None = None) -> list[int]:
        """The records of an epoch; None is the one that has begun."""
        epoch = self.epoch if epoch is None else epoch
        if self.seed is None:
            return list(range(len(self.lengths)))
        rng = np.random.default_rng((self.seed, epoch))
        if self.portions:
            return [int(i) for i in rng.permutation(_draw_portions(self.portions, rng))]
        return [int(i) for i in rng.permutation(len(self.lengths))]

    def _share_out(self, records: list[int]) -> list[tuple[int, ...]]:
        """The longest record first, each to the share with the fewest tokens so far."""
        count = self.accumulation * self.processes
        if count == 1:
            return [tuple(records)]
        shares: list[list[int]] = [[] for _ in range(count)]
        tokens = [0] * count
        for record in sorted(records, key=lambda i: -self.lengths[i]):
            least = tokens.index(min(tokens))
            shares[least].append(record)
            tokens[least] += self.lengths[record]
        return [tuple(share) for share in shares]


def count_seen(records: int, portions: Sequence[Portion]) -> int:
    """Records of one epoch, as often as it draws them."""
    return sum(map(count_draws, portions)) if portions else records


def require_step(records: int, portions: Sequence[Portion], records_per_step: int) -> None:
    """Raise ConfigError where an epoch without its last, smaller step would have none."""
    seen = count_seen(records, portions)
    if seen < records_per_step:
        raise ConfigError(
            "dataloader_drop_last",
            expected=f"records for one step of {records_per_step} at least",
            found=f"{count_noun(seen, 'record')} an epoch, all of which would be dropped",
            fix="lower records_per_step, leave dataloader_drop_last out, or add records",
        )


def count_draws(portion: Portion) -> int:
    """Records of a portion in one epoch: count x weight, rounded, and one at least where there is one."""
    return max(int(portion.count * portion.weight + 0.5), min(portion.count, 1))


def _draw_portions(portions: Sequence[Portion], rng: np.random.Generator) -> list[int]:
    """An epoch's records by portion: each as often as the whole part of the weight, and a random share once more."""
    drawn: list[int] = []
    start = 0
    for portion in portions:
        records = range(start, start + portion.count)
        times, rest = divmod(count_draws(portion), max(portion.count, 1))
        drawn += [*records] * times
        if rest:
            drawn += [start + int(number) for number in rng.choice(portion.count, size=rest, replace=False)]
        start = records.stop
    return drawn
