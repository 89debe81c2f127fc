"""Tree attention as one variable-length call: for GPUs, where many small kernels wait for one another.

Every response is a sequence of its own whose keys are the prefix's and its own. Its queries are the last of them, and
the kernel aligns queries with the end of the keys (bottom-right), so that plain causal attention is right:

    queries   [P + R1, R2, R3, …]        as they stand in the row: the first response goes on from the prefix
    keys      [P + R1, P + R2, P + R3, …] the prefix's keys once more for every further response

Each sequence is contiguous, so a sliding window is the kernel's own. Unmeasured: no speed is claimed for it until
perf/gpu.py has run.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from errata.trees.attention import tree_attention
from errata.trees.last_layer import ScoredTree
from errata.trees.layout import TreeLayout, TreeShape

KERNEL: Callable[..., Any] | None
"""`torch.nn.attention.varlen.varlen_attn`, where PyTorch has it."""
try:
    KERNEL = importlib.import_module("torch.nn.attention.varlen").varlen_attn
except (ImportError, AttributeError):
    KERNEL = None

VARLEN_ATTENTION = "errata_tree_varlen"

HALVES = (torch.float16, torch.bfloat16)
"""The number formats of the kernel."""


def varlen_tree_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    tree: TreeLayout | ScoredTree | None = None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """As `tree_attention`, in one call. What that cannot serve goes through `tree_attention` itself: ordinary
    sequences, a last layer at scored positions, prompts read in both directions, bounded scores, other formats than
    half precision."""
    query, key, value = (_as_autocast(tensor) for tensor in (query, key, value))
    served = isinstance(tree, TreeLayout) and softcap is None and query.dtype in HALVES
    if not isinstance(tree, TreeLayout) or not served or any(shape.blocks for shape in tree.samples):
        options: dict[str, Any] = {"scaling": scaling, "sliding_window": sliding_window, "softcap": softcap}
        return tree_attention(module, query, key, value, attention_mask, tree=tree, **options, **kwargs)
    return attend_row(query, key, value, tree, scaling=scaling, window=sliding_window), None


def attend_row(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    tree: TreeLayout,
    *,
    scaling: float | None = None,
    window: int | None = None,
) -> Tensor:
    """Attention `[1, S, heads, d]` of a row by `KERNEL`.

    `query` is `[1, heads, S, d]`, `key` and `value` `[1, key heads, S, d]`; `window` counts the tokens that a token
    sees, its own included.
    """
    assert KERNEL is not None, "choose_attention lets nobody get here without one"
    parts = [tensor[0].transpose(0, 1) for tensor in (query, key, value)]
    q_lengths, k_lengths = _sequence_lengths(tree.samples)
    output: Tensor = KERNEL(
        parts[0].contiguous(),
        _repeat_prefixes(parts[1], tree.samples),
        _repeat_prefixes(parts[2], tree.samples),
        _boundaries(tuple(q_lengths), query.device),
        _boundaries(tuple(k_lengths), query.device),
        max(q_lengths),
        max(k_lengths),
        scale=scaling,
        window_size=(-1 if window is None else window - 1, 0),
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return output[None]


def _sequence_lengths(samples: Sequence[TreeShape]) -> tuple[list[int], list[int]]:
    """Queries and keys of every response's sequence."""
    queries: list[int] = []
    for shape in samples:
        queries += [shape.prefix + shape.responses[0], *shape.responses[1:]]
    return queries, [shape.prefix + length for shape in samples for length in shape.responses]


def _repeat_prefixes(tensor: Tensor, samples: Sequence[TreeShape]) -> Tensor:
    """From `[S, heads, d]` as the row stands, the prefix again before every response but the first.

    Pieces and one join, not an index: backward adds the copies' gradients in one order, where scattering by index would
    add them in any.
    """
    pieces: list[Tensor] = []
    lengths = [length for shape in samples for length in (shape.prefix, *shape.responses)]
    parts = iter(torch.split(tensor, lengths))
    for shape in samples:
        prefix = next(parts)
        for _ in shape.responses:
            pieces += [prefix, next(parts)]
    return torch.cat(pieces)


@lru_cache(maxsize=64)  # every layer asks
def _boundaries(lengths: tuple[int, ...], device: torch.device) -> Tensor:
    """Where each sequence begins, and where the last one ends."""
    return torch.tensor([0, *accumulate(lengths)], dtype=torch.int32, device=device)


def _as_autocast(tensor: Tensor) -> Tensor:
    """Under autocast the rotation of queries and keys leaves float32, which sdpa would cast by itself."""
    kind = tensor.device.type
    return tensor.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else tensor


AttentionInterface.register(VARLEN_ATTENTION, varlen_tree_attention)
AttentionMaskInterface.register(VARLEN_ATTENTION, sdpa_mask)
