"""Attention whose scores are bounded by a tanh, as Gemma 2 has it; the fused kernels of sdpa cannot bound them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout


def capped_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    softcap: float,
    scale: float,
    attn_mask: Tensor | None = None,
    is_causal: bool = False,
    dropout_p: float = 0.0,
) -> Tensor:
    """`scaled_dot_product_attention` of scores c tanh(s / c), c being `softcap`; softmax in float32.

    `attn_mask` is True where a query may see a key. A query that may see none gets the mean of the values.
    """
    scores = torch.tanh(query @ key.transpose(2, 3) * scale / softcap) * softcap
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, torch.finfo(scores.dtype).min)
    weights = nn.functional.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    return dropout(weights, dropout_p) @ value
