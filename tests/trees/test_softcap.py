"""Bounded scores and bounded logits, as Gemma 2 has them."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from errata.trees import head_logps
from errata.trees.attention import capped_attention


@pytest.mark.parametrize("masked", [False, True])
def test_a_bound_far_away_is_no_bound(masked):
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(1, 2, 6, 4, generator=generator) for _ in "qkv")
    mask = (torch.rand(6, 6, generator=generator) < 0.5) | torch.eye(6, dtype=torch.bool)
    options = {"attn_mask": mask} if masked else {"is_causal": True}
    free = scaled_dot_product_attention(query, key, value, scale=0.7, **options)
    far, near = (capped_attention(query, key, value, softcap=c, scale=0.7, **options) for c in (1e4, 0.5))
    assert (far - free).abs().max() < 1e-5
    assert (near - free).abs().max() > 0.1


def test_bounded_logits_in_chunks():
    torch.manual_seed(0)
    head, hidden, targets = torch.nn.Linear(8, 50, bias=False), torch.randn(7, 8), torch.randint(50, (7,))
    logits = torch.tanh(head(hidden) * 3 / 2.0) * 2.0
    expected = logits.log_softmax(1).gather(1, targets[:, None])[:, 0]
    (wanted,) = torch.autograd.grad((expected * torch.arange(7.0)).sum(), head.weight)
    for chunk_size in (3, 7):
        logps = head_logps(head, hidden * 3, targets, softcap=2.0, chunk_size=chunk_size)
        (found,) = torch.autograd.grad((logps * torch.arange(7.0)).sum(), head.weight)
        assert torch.allclose(logps, expected, atol=1e-6)
        assert torch.allclose(found, wanted, atol=1e-5)
