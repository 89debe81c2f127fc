"""What the log says of a row besides its loss, over all its pairs; names that TRL has mean here what they mean there.

rewards/chosen, /rejected, /margins, /accuracies    of level 0, of the levels below, of every compared pair
rewards/level-0, /level-1, …                         the reward of every level
accuracies/0-1, /0-2, …                              per pair of levels: how often the better has the larger reward
logps/chosen, /rejected                              log-probability of a whole response, every token weighing 1
drift/chosen, /rejected                              per token: log-probability minus the reference's
lengths/chosen, /rejected                            scored tokens of a response
tokens/weighted                                      share of the scored tokens whose weight is not 1
loss/preference, /anchor, /sft                       the loss's terms, per record
"""

from __future__ import annotations

from torch import Tensor

from errata.objectives import LossOutput, Objective, find_pairs
from errata.training.means import Share
from errata.trees import TreeRow

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
