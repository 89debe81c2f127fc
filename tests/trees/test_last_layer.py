"""The last layer at scored positions gives what the whole layer gives, and is used where its kind is known."""

from __future__ import annotations

import copy

import pytest
import torch

from errata.models import ModelSettings, build_adapter
from errata.trees import build_row, enable_tree_attention, token_logps
from errata.trees.last_layer import LAYERS, _keep_scored
from tiny_families import BUILDERS, build_family
from tree_checks import assert_equal_gradients, gradients
from tree_samples import build, build_samples

KNOWN = {"internvl", "llava_next", "llava_onevision", "idefics3", "smolvlm"}
"""Families of `tiny_families` whose text model is a Llama, Mistral or Qwen 2."""


def last_layer(model):
    return [module for module in model.modules() if type(module).__name__.endswith("DecoderLayer")][-1]


def build_both(window=None, **options):
    """A model as it is used, and one that computes every position."""
    adapter, model = build(**options)
    if window:
        model.config.text_config.sliding_window = window
    enable_tree_attention(model, adapter)
    whole = copy.deepcopy(model)
    last_layer(whole)._forward_pre_hooks.clear()
    return adapter, model, whole


@pytest.mark.parametrize("options", [{}, {"kv_heads": 2}, {"text": "mistral"}, {"text": "mistral", "window": 9}])
def test_numbers_and_gradients_are_those_of_the_whole_layer(options):
    adapter, model, whole = build_both(**options)
    row = build_row(build_samples(adapter))
    hidden = adapter.forward_hidden(model, row)
    assert hidden.shape[1] == len(row.targets) < adapter.forward_hidden(whole, row).shape[1]
    found, expected = token_logps(adapter, model, row), token_logps(adapter, whole, row)
    assert (found - expected).abs().max() <= 1e-5
    assert_equal_gradients(gradients(model, found), gradients(whole, expected))


def test_only_scored_positions_reach_the_feed_forward_part():
    adapter, model, _ = build_both()
    seen = []
    last_layer(model).mlp.register_forward_pre_hook(lambda module, args: seen.append(args[0].shape[1]))
    row = build_row(build_samples(adapter))
    token_logps(adapter, model, row)
    assert seen == [len(row.targets)]


@pytest.mark.parametrize("family", BUILDERS)
def test_layers_of_other_kinds_are_left_alone(family):
    model, processor = build_family(family)
    adapter = build_adapter(processor, model.config, ModelSettings("tiny"))
    for _ in range(2):
        enable_tree_attention(model, adapter)
    layer = last_layer(model)
    hooks = [hook for hook in layer._forward_pre_hooks.values() if hook is _keep_scored]
    assert len(hooks) == int(family in KNOWN) == int(type(layer).__name__ in LAYERS)


def test_generation_and_rows_without_layout_compute_every_position():
    _, model, whole = build_both()
    ids = torch.tensor([[1, 5, 6, 7]])
    with torch.no_grad():
        assert torch.equal(model(input_ids=ids).logits, whole(input_ids=ids).logits)
