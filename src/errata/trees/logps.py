"""Log-probabilities of the scored tokens, in chunks that never hold tokens x vocabulary for backward."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from errata.models import Adapter
from errata.trees.head import is_plain, plain_head_logps
from errata.trees.rows import TreeRow
from errata.trees.support import check_layout_is_read

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
