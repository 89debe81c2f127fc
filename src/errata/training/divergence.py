"""Stopping a run whose loss is no number or explodes, before the optimiser spoils the weights, with the records' names.

What counts as exploded is `max_loss`. Its default is far above what any policy reaches that still learns: the loss
where every token of the longest best response has V⁻⁴ times the probability that the reference gives it, V being the
vocabulary (a policy that guesses blindly gives 1/V), and the worse response is as likely as before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from typing_extensions import override

from errata.errors import ModelError
from errata.objectives import LINKS, Objective
from errata.training.processes import add_up, any_process, gather

EXPLODED = 4
"""Powers of the vocabulary by which a token has become less likely."""
MAX_NAMED = 32
"""Records in a message; `DivergedError.records` has all of them."""
_FIX = (
    "look at these records, lower the learning rate or beta, or change the precision; the last checkpoint is untouched"
)


class DivergedError(ModelError):
    """A loss or gradient is NaN, infinite or exploding; the weights are still those of the step before.

    `records` are the ids of the step's records: those whose own loss is no number, then the others by falling loss.
    """

    def __init__(self, where: str, *, expected: str, found: str, fix: str, records: Sequence[str] = ()) -> None:
        self.records = tuple(records)
        named = ", ".join(map(repr, self.records[:MAX_NAMED]))
        more = len(self.records) - MAX_NAMED
        found += f" (records {named}{f' and {more} more' if more > 0 else ''})" if self.records else ""
        super().__init__(where, expected=expected, found=found, fix=fix)


def default_max_loss(objective: Objective, vocab_size: int, weight_sum: float) -> float:
    """The loss above which a run has exploded, as the module says.

    Args:
        objective: The choices.
        vocab_size: V.
        weight_sum: Sum of the token weights of the longest best response.
    """
    fallen = EXPLODED * math.log(vocab_size) * (1.0 if objective.reduction == "mean" else weight_sum)
    loss = objective.sft_weight * fallen
    if objective.pairing != "none":
        loss += float(LINKS[objective.link](torch.tensor([-fallen]), objective))
    if objective.anchor != "none":
        loss += objective.anchor_weight * fallen
    return loss


class StopOnDivergence(TrainerCallback):  # type: ignore[misc]
    """Raises DivergedError between the backward pass and the optimiser, on every process alike.

    `max_loss` is the largest mean loss of a step's records.
    """

    def __init__(self) -> None:
        self.max_loss = math.inf
        self._ids: list[str] = []
        self._losses: list[Tensor] = []

    def add(self, ids: Sequence[str], losses: Tensor) -> None:
        """Note the losses `[N]` of records of the step at hand."""
        self._ids += ids
        self._losses.append(losses.detach())

    def require_finite(self, where: str, device: torch.device) -> None:
        """Raise DivergedError where a loss since the last check is no number; nothing waits for the optimiser here."""
        ids, losses = self._take(device)
        if any_process(not bool(losses.isfinite().all()), device):
            _raise(where, "a loss that is NaN or infinite", "finite losses", ids, losses)

    @override
    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        ids, losses = self._take(args.device)
        # An overflow is part of float16's loss scaling, which skips the step itself.
        broken = torch.zeros((), device=args.device) if args.fp16 else _count_broken(kwargs["model"], args.device)
        table = torch.stack([losses.sum(), losses.new_tensor(len(ids)), broken.to(losses.dtype)])
        total, count, gradients = add_up(table).tolist()
        where, mean = f"step {state.global_step + 1}", total / max(count, 1)
        if not math.isfinite(total):
            _raise(where, "a loss that is NaN or infinite", "finite losses", ids, losses)
        if gradients:
            _raise(where, "a gradient that is NaN or infinite", "finite gradients", ids, losses)
        if mean > self.max_loss:
            _raise(where, f"a loss of {mean:.4g}", f"at most {self.max_loss:.4g} (max_loss)", ids, losses)

    def _take(self, device: torch.device) -> tuple[list[str], Tensor]:
        """The ids and losses that were noted; afterwards there are none."""
        ids, losses = self._ids, torch.cat([torch.zeros(0, dtype=torch.double, device=device), *self._losses])
        self._ids, self._losses = [], []
        return ids, losses


def _count_broken(model: nn.Module, device: torch.device) -> Tensor:
    """How many gradients are not finite."""
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    if not gradients:
        return torch.zeros((), device=device)
    norms = torch.stack([norm.to(device) for norm in torch._foreach_norm(gradients)])
    return (~norms.isfinite()).sum()


def _raise(where: str, found: str, expected: str, ids: Sequence[str], losses: Tensor) -> None:
    """Raise DivergedError that names the records of all processes."""
    pairs = [pair for part in gather(list(zip(ids, losses.tolist(), strict=True))) for pair in part]
    pairs.sort(key=lambda pair: pair[1] if math.isfinite(pair[1]) else math.inf, reverse=True)
    raise DivergedError(where, expected=expected, found=found, fix=_FIX, records=[name for name, _ in pairs])
