"""Log-probabilities of the scored tokens, in chunks that never hold tokens x vocabulary for backward.

The output head with its log-softmax as one differentiable function that keeps no logits.

Backward computes each chunk's logits again and adds to one gradient of the weight in place. Through autograd alone
every chunk would hold its logits, their exponentials and their gradient together, and a weight-sized gradient of its
own: with a vocabulary of 32,000 that is a quarter of a training step's memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from errata.models import Adapter
from errata.trees.rows import TreeRow
from errata.trees.support import check_layout_is_read


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


CHUNK_ELEMENTS = 2**21
"""Logits held at a time by default: 8 MB in float32."""


def token_logps(adapter: Adapter, model: nn.Module, row: TreeRow, *, chunk_size: int | None = None) -> Tensor:
    """Log-probabilities `[T]`, float32, of a row's scored tokens in one forward pass.

    Args:
        adapter: The model's family.
        model: The model, also inside PEFT or data-parallel wrappers.
        row: A row on the model's device.
        chunk_size: Scored tokens per chunk; by default as many as `CHUNK_ELEMENTS` logits allow.

    Raises:
        ModelError: The row has a layout and the model's attention would ignore it.
    """
    hidden = _run(adapter, model, row)
    head, softcap = adapter.output_head(model), adapter.logit_softcap(model)
    return head_logps(head, hidden, row.targets, softcap=softcap, chunk_size=chunk_size)


def choice_logps(adapter: Adapter, model: nn.Module, row: TreeRow, choices: Sequence[int]) -> Tensor:
    """Log-probabilities `[T, n]`, float32, of each of n tokens in the place of every scored token of a row.

    For reading, not for training: backward would keep whole rows of logits. Raises as `token_logps`.
    """
    hidden = _run(adapter, model, row)
    head, softcap = adapter.output_head(model), adapter.logit_softcap(model)
    columns = torch.tensor(list(choices), device=hidden.device)
    chunk_size = max(1, CHUNK_ELEMENTS // head.weight.shape[0])
    return torch.cat(
        [_build_logits(head, part, softcap).log_softmax(1)[:, columns] for part in torch.split(hidden, chunk_size)]
    )


def _run(adapter: Adapter, model: nn.Module, row: TreeRow) -> Tensor:
    """Hidden states `[T, H]` that predict the scored tokens."""
    if row.layout is not None:
        check_layout_is_read(model, adapter)
    hidden = adapter.forward_hidden(model, row)[0]
    if len(hidden) != len(row.targets):  # the last layer computed every position; a prefix makes them more
        hidden = hidden[row.predict_index]
    return hidden


def head_logps(
    head: nn.Linear, hidden: Tensor, targets: Tensor, *, softcap: float | None = None, chunk_size: int | None = None
) -> Tensor:
    """Log-probabilities `[T]` of `targets` `[T]` given hidden states `[T, H]`; softmax in float32.

    `softcap` bounds the logits as `Adapter.logit_softcap` says. With several chunks, backward computes each chunk's
    logits again instead of keeping them.
    """
    if chunk_size is None:
        chunk_size = max(1, CHUNK_ELEMENTS // head.weight.shape[0])
    if len(targets) <= chunk_size:
        return _chunk_logps(head, hidden, targets, softcap)
    if softcap is None and is_plain(head):
        return plain_head_logps(head, hidden, targets, chunk_size)
    pieces = zip(torch.split(hidden, chunk_size), torch.split(targets, chunk_size), strict=True)
    return torch.cat([_again_in_backward(head, states, tokens, softcap) for states, tokens in pieces])


def _again_in_backward(head: nn.Linear, hidden: Tensor, targets: Tensor, softcap: float | None) -> Tensor:
    inputs = (head, hidden, targets, softcap)
    if not torch.is_grad_enabled():
        return _chunk_logps(*inputs)
    logps: Tensor = checkpoint(_chunk_logps, *inputs, use_reentrant=False, preserve_rng_state=False)
    return logps


def _chunk_logps(head: nn.Linear, hidden: Tensor, targets: Tensor, softcap: float | None) -> Tensor:
    logits = _build_logits(head, hidden, softcap)
    chosen = logits.gather(1, targets[:, None])[:, 0]
    return chosen - logits.logsumexp(dim=1)


def _build_logits(head: nn.Linear, hidden: Tensor, softcap: float | None) -> Tensor:
    logits: Tensor = head(hidden).float()
    if softcap is not None:
        logits = torch.tanh(logits / softcap) * softcap
    return logits
