"""The output head with its log-softmax as one differentiable function that keeps no logits.

Backward computes each chunk's logits again and adds to one gradient of the weight in place. Through autograd alone
every chunk would hold its logits, their exponentials and their gradient together, and a weight-sized gradient of its
own: with a vocabulary of 32,000 that is a quarter of a training step's memory.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def is_plain(head: nn.Module) -> bool:
    """Whether the head is a linear layer and nothing else: no adapter, no quantised or sharded weight, no hooks."""
    hooked = head._forward_hooks or head._forward_pre_hooks or head._backward_hooks
    return type(head) is nn.Linear and type(head.weight) is nn.Parameter and not hooked


def plain_head_logps(head: nn.Linear, hidden: Tensor, targets: Tensor, chunk_size: int) -> Tensor:
    """Log-probabilities `[T]`, float32, of `targets` `[T]` given hidden states `[T, H]`, `chunk_size` at a time.

    The product is computed in the type that `head(hidden)` would have, under autocast too; the softmax in float32.
    """
    device = hidden.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else head.weight.dtype
    bias = None if head.bias is None else head.bias.to(dtype)
    with torch.autocast(device, enabled=False):
        inputs = hidden.to(dtype), head.weight.to(dtype), bias, targets, chunk_size
        logps: Tensor = _HeadLogps.apply(*inputs)  # type: ignore[no-untyped-call]
    return logps


class _HeadLogps(torch.autograd.Function):
    """log p = logit − log Σ exp(logits), with d log p / d logits = onehot − p."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, chunk_size: int
    ) -> Tensor:
        logps, totals, room = [], [], _Room(weight, chunk_size)
        for states, tokens in zip(torch.split(hidden, chunk_size), torch.split(targets, chunk_size), strict=True):
            logits = room.multiply(states, weight, bias)
            chosen, highest = logits.gather(1, tokens[:, None])[:, 0], logits.amax(dim=1)
            totals.append(logits.sub_(highest[:, None]).exp_().sum(dim=1).log_().add_(highest))
            logps.append(chosen - totals[-1])
        ctx.save_for_backward(hidden, weight, bias, targets, torch.cat(totals))
        ctx.chunk_size = chunk_size
        return torch.cat(logps)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, *_ = ctx.saved_tensors
        wants_hidden, wants_weight, wants_bias = ctx.needs_input_grad[:3]
        grad_hidden = torch.empty_like(hidden) if wants_hidden else None
        grad_weight = torch.zeros_like(weight) if wants_weight else None
        grad_bias = torch.zeros_like(bias) if wants_bias else None
        room = _Room(weight, ctx.chunk_size)
        for start in range(0, len(hidden), ctx.chunk_size):
            place = slice(start, start + ctx.chunk_size)
            slope = _slope(ctx.saved_tensors, grad, place, room)
            if grad_hidden is not None:
                torch.mm(slope, weight, out=grad_hidden[place])
            if grad_weight is not None:
                grad_weight.addmm_(slope.T, hidden[place])
            if grad_bias is not None:
                grad_bias += slope.sum(dim=0)
        return grad_hidden, grad_weight, grad_bias, None, None


class _Room:
    """The memory of one chunk's logits, which all chunks use in turn. Freed and asked for again, memory of this size is
    not found again by the allocator of a CPU: the process grows by every chunk as if all logits were kept."""

    def __init__(self, weight: Tensor, chunk_size: int) -> None:
        self._product = weight.new_empty(chunk_size, len(weight))
        is_exact = weight.dtype == torch.float32
        self._exact = self._product if is_exact else torch.empty_like(self._product, dtype=torch.float32)

    def multiply(self, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Logits `[n, vocabulary]` in float32, computed in the format of the product."""
        product = self._product[: len(hidden)]
        if bias is None:
            torch.mm(hidden, weight.T, out=product)
        else:
            torch.addmm(bias, hidden, weight.T, out=product)
        return product if self._exact is self._product else self._exact[: len(hidden)].copy_(product)

    def round(self, exact: Tensor) -> Tensor:
        """What `multiply` gave, changed meanwhile, in the format of the product."""
        return exact if self._exact is self._product else self._product[: len(exact)].copy_(exact)


def _slope(saved: tuple[Tensor, ...], grad: Tensor, place: slice, room: _Room) -> Tensor:
    """The gradient of a chunk's logits, in the type of the product."""
    hidden, weight, bias, targets, totals = saved
    slope = room.multiply(hidden[place], weight, bias)
    slope.sub_(totals[place, None]).exp_().mul_(-grad[place, None])
    return room.round(slope.scatter_add_(1, targets[place, None], grad[place, None]))
