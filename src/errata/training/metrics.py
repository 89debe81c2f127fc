"""What the log says of a row besides its loss, over all its pairs; names that TRL has mean here what they mean there.

rewards/chosen, /rejected, /margins, /accuracies    of level 0, of the levels below, of every compared pair
rewards/level-0, /level-1, …                         the reward of every level
accuracies/0-1, /0-2, …                              per pair of levels: how often the better has the larger reward
logps/chosen, /rejected                              log-probability of a whole response, every token weighing 1
drift/chosen, /rejected                              per token: log-probability minus the reference's
lengths/chosen, /rejected                            scored tokens of a response
tokens/weighted                                      share of the scored tokens whose weight is not 1
loss/preference, /anchor, /sft                       the loss's terms, per record

Averages over all pairs, records and tokens since the last line of the log, over every process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from errata.objectives import LossOutput, Objective, find_pairs
from errata.training.processes import gather
from errata.trees import TreeRow


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


PAIR_PREFIX = "accuracies/"


def measure_row(
    objective: Objective, row: TreeRow, output: LossOutput, logps: Tensor, reference: Tensor | None
) -> dict[str, Tensor | Share]:
    """Name -> values to average over a step or a data set, however its records are batched.

    Args:
        objective: Which responses are compared, and whether tokens have weights.
        row: The row.
        output: Its loss.
        logps: Token log-probabilities `[T]` of the policy.
        reference: The same of the reference; None where there is none.
    """
    logps = logps.detach()
    values: dict[str, Tensor | Share] = dict(output.metrics)
    if objective.pairing != "none":
        values |= _measure_levels(objective, row, output)
    values |= _measure_sides(row, logps, reference)
    if objective.weights != "none" or objective.round_weight:
        values["tokens/weighted"] = Share((row.token_weights != 1).sum(), len(row.token_weights))
    return values


def drop_repeats(means: dict[str, float]) -> dict[str, float]:
    """The means without the accuracy of the one pair of levels there is: that is `rewards/accuracies` again."""
    pairs = [name for name in means if name.startswith(PAIR_PREFIX)]
    return {name: mean for name, mean in means.items() if len(pairs) > 1 or name not in pairs}


def _measure_levels(objective: Objective, row: TreeRow, output: LossOutput) -> dict[str, Tensor]:
    """Rewards by level and accuracies by pair of levels."""
    members: dict[str, list[int]] = {}
    pairs: dict[str, list[int]] = {}
    seen = 0
    for start, levels in row.records:
        for number, level in enumerate(levels):
            members.setdefault(f"rewards/level-{level}", []).append(start + number)
        for better, worse in find_pairs(levels, objective.pairing):
            pairs.setdefault(f"{PAIR_PREFIX}{levels[better]}-{levels[worse]}", []).append(seen)
            seen += 1
    rewards = {name: output.rewards[places] for name, places in members.items()}
    return rewards | {name: output.accuracies[places] for name, places in pairs.items()}


def _measure_sides(row: TreeRow, logps: Tensor, reference: Tensor | None) -> dict[str, Tensor | Share]:
    """Log-probability, drift and length of the responses of level 0, and of those below."""
    sums = _sum_responses(row, logps)
    drifts = None if reference is None else _sum_responses(row, logps - reference)
    values: dict[str, Tensor | Share] = {}
    for side, places in zip(("chosen", "rejected"), _split_sides(row), strict=True):
        if not places:
            continue
        tokens = sum(row.target_lengths[place] for place in places)
        values[f"logps/{side}"] = sums[places]
        values[f"lengths/{side}"] = Share(float(tokens), len(places))
        if drifts is not None:
            values[f"drift/{side}"] = Share(drifts[places].double().sum(), tokens)
    return values


def _split_sides(row: TreeRow) -> tuple[list[int], list[int]]:
    """The places of the responses of level 0, and of those below."""
    levels = [(start + number, level) for start, own in row.records for number, level in enumerate(own)]
    return [place for place, level in levels if level == 0], [place for place, level in levels if level > 0]


def _sum_responses(row: TreeRow, values: Tensor) -> Tensor:
    """The sum `[R]` over each response's tokens."""
    return values.new_zeros(row.num_responses).index_add(0, row.response_index, values)
