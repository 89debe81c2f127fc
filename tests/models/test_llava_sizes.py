"""LLaVA's processed images may differ in size where the vision tower allows it, and are refused where it does not."""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from transformers import Dinov2Config, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

from errata.errors import ModelError
from errata.models import LlavaAdapter, ModelSettings
from errata.records import Turn
from errata.trees import TreeSample, build_row, enable_tree_attention
from tiny_models import build_model, build_processor, build_tokenizer, fill_weights
from tree_checks import assert_equal_passes
from tree_samples import ANSWERS


def build_uncropped(tokenizer):
    processor = build_processor(tokenizer)
    processor.image_processor.do_center_crop = False
    return processor


def test_images_of_unequal_sizes_share_a_row():
    tokenizer = build_tokenizer()
    config = LlavaConfig(
        vision_config=Dinov2Config(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=4, image_size=48, patch_size=16
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
        ),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(config).eval()
    fill_weights(model, 0.2)
    adapter = LlavaAdapter(build_uncropped(tokenizer), config, ModelSettings("tiny"))
    enable_tree_attention(model, adapter)
    samples = []
    for size_px in ((60, 50), (50, 100), (61, 50)):
        prompt = adapter.encode_prompt((Turn("user", "Describe it."),), [Image.new("RGB", size_px, "#a05010")])
        responses = tuple(adapter.encode_response(prompt, [Turn("assistant", text)]) for text in ANSWERS)
        samples.append(TreeSample(str(size_px), prompt, responses, (0, 1, 2, 3)))
    row = build_row(samples)
    assert len({image.pixels.shape for image in row.images}) > 1
    assert_equal_passes(adapter, model, row)


def test_a_size_that_the_tower_cannot_take_is_named():
    tokenizer = build_tokenizer()
    adapter = LlavaAdapter(build_uncropped(tokenizer), build_model(tokenizer).config, ModelSettings("tiny"))
    adapter.encode_image(Image.new("RGB", (50, 50)))
    with pytest.raises(ModelError, match=r"96 x 48; expected images of 48 x 48 pixels.*do_center_crop"):
        adapter.encode_image(Image.new("RGB", (100, 50)))
