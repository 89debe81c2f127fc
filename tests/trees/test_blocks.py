"""What each token of a sample may see when spans of its prompt see one another in both directions."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from errata.models import Block, EncodedImage, ModelSettings, build_adapter
from errata.models.encoded import find_runs
from errata.records import Turn
from errata.trees import TreeLayout, TreeSample, TreeShape
from errata.trees.fingerprint import digest_samples
from tiny_families import build_family

CPU = torch.device("cpu")


def may_see(shape, query, key, window):
    """The rule, one pair of tokens at a time."""
    owners = [0] * shape.prefix + [n for n, length in enumerate(shape.responses, 1) for _ in range(length)]
    positions = list(range(shape.prefix)) + [shape.prefix + i for length in shape.responses for i in range(length)]
    for block in shape.blocks:
        if block.start <= query < block.end and block.start <= key < block.end:
            return block.beyond_window or window is None or positions[query] - positions[key] < window
    if owners[key] not in (0, owners[query]) or positions[key] > positions[query]:
        return False
    return window is None or positions[query] - positions[key] < window


@pytest.mark.parametrize("window", [None, 3, 100])
@pytest.mark.parametrize(
    "blocks", [(), (Block(0, 8, True),), (Block(0, 8),), (Block(1, 6), Block(6, 7)), (Block(2, 7, True),)]
)
def test_masks_follow_the_rule(blocks, window):
    shape = TreeShape(8, (3, 5), blocks)
    (masks,) = TreeLayout((shape,)).masks(CPU, window)
    expected = torch.tensor([[may_see(shape, q, k, window) for k in range(16)] for q in range(16)])
    prefix = masks.prefix
    if prefix is None:
        prefix = torch.ones(8, 8, dtype=torch.bool)
        prefix = prefix.tril() if masks.is_causal else prefix
    assert torch.equal(prefix, expected[:8, :8])
    assert torch.equal(masks.responses, expected[8:])


def test_a_mask_is_built_only_where_a_kernel_needs_one():
    blocks = {(): (None, True), (Block(0, 8, True),): (None, False), (Block(1, 5),): ((8, 8), False)}
    row = TreeLayout(tuple(TreeShape(8, (3, 5), own) for own in blocks) * 20)
    masks = row.masks(CPU)
    for mask, (shape, is_causal) in zip(masks, list(blocks.values()) * 20, strict=True):
        assert (None if mask.prefix is None else tuple(mask.prefix.shape), mask.is_causal) == (shape, is_causal)
        assert mask.responses.shape == (8, 16)


def test_runs_of_a_token_are_blocks():
    assert find_runs([5, 9, 9, 5, 9, 5], 9) == (Block(1, 3), Block(4, 5))
    assert find_runs([], 9) == ()


def test_stored_numbers_of_other_blocks_are_not_used():
    model, processor = build_family("gemma3")
    adapter = build_adapter(processor, model.config, ModelSettings("tiny"))
    prompt = adapter.encode_prompt((Turn("user", "What?"),), [EncodedImage(torch.zeros(3, 32, 32), 16)])
    sample = TreeSample("one", prompt, (adapter.encode_response(prompt, [Turn("assistant", "A cup.")]),), (0,))
    assert prompt.blocks
    causal = replace(sample, prompt=replace(sample.prompt, blocks=()))
    assert digest_samples([sample]) != digest_samples([causal])
