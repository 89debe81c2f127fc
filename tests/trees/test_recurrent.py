"""Layers that keep a state from token to token: no tree, separate passes that are the model's own."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from errata.errors import ModelError
from errata.models import ModelSettings, build_adapter
from errata.records import Turn
from errata.trees import (
    NoTreeError,
    TreeSample,
    build_row,
    enable_tree_attention,
    separate_logps,
    token_logps,
)
from tiny_families import build_family
from tree_checks import gradients
from tree_samples import ANSWERS


def build():
    model, processor = build_family("qwen3_5")
    return build_adapter(processor, model.config, ModelSettings("tiny")), model


def build_sample(adapter, *sizes_px, answers=ANSWERS):
    images = [Image.effect_noise(size, 80).convert("RGB") for size in sizes_px]
    prompt = adapter.encode_prompt((Turn("user", "Describe what you see."),), images)
    responses = tuple(adapter.encode_response(prompt, [Turn("assistant", text)]) for text in answers)
    return TreeSample("noise", prompt, responses, tuple(range(len(responses))))


def test_a_tree_is_refused_by_name():
    adapter, model = build()
    with pytest.raises(NoTreeError, match="linear_attention"):
        enable_tree_attention(model, adapter)
    with pytest.raises(ModelError, match="ignores the layout"):
        token_logps(adapter, model, build_row([build_sample(adapter, (40, 24))]))


def test_a_text_model_that_says_it_keeps_a_state_is_refused(monkeypatch):
    """Not every configuration lists its layers."""
    adapter, model = build()
    monkeypatch.setattr(model.config.text_config, "layer_types", None)
    with pytest.raises(NoTreeError, match="recurrent layers in Qwen3_5"):
        enable_tree_attention(model, adapter)


@pytest.mark.parametrize("sizes_px", [[(40, 24)], [(24, 40), (48, 48)]])
def test_separate_passes_are_the_model_s_own(sizes_px):
    adapter, model = build()
    sample = build_sample(adapter, *sizes_px)
    found = iter(
        separate_logps(adapter, model, build_row([sample])).split([len(r.input_ids) for r in sample.responses])
    )
    for response in sample.responses:
        ids = torch.tensor([sample.prompt.input_ids + response.input_ids])
        with torch.no_grad():
            logits = model(
                input_ids=ids,
                pixel_values=torch.cat([image.pixels for image in sample.prompt.images]),
                image_grid_thw=torch.tensor([image.size for image in sample.prompt.images]),
                mm_token_type_ids=(ids == model.config.image_token_id).int(),
            ).logits[0, len(sample.prompt.input_ids) - 1 : -1]
        expected = logits.log_softmax(-1).gather(1, torch.tensor(response.input_ids)[:, None])[:, 0]
        assert expected.std() > 0.5
        assert (next(found) - expected).abs().max() <= 1e-4


def test_the_tower_sees_each_distinct_image_once_whatever_the_responses():
    adapter, model = build()
    one, other = build_sample(adapter, (40, 24)), build_sample(adapter, (24, 40), (48, 48))
    seen = []
    model.model.visual.register_forward_pre_hook(lambda *_: seen.append(1))
    row = build_row([one, other, one])
    logps = separate_logps(adapter, model, row)
    assert len(seen) == 3
    alone = torch.cat([separate_logps(adapter, model, build_row([sample])) for sample in (one, other, one)])
    assert torch.equal(logps, alone)
    assert any("visual" in name and value.abs().max() > 0 for name, value in gradients(model, logps).items())
