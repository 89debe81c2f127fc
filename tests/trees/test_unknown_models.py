"""Models without an adapter of their own: exact, or separate passes with the figure, or refused by name."""

from __future__ import annotations

import warnings

import pytest
import torch
from peft import get_peft_model
from PIL import Image

import tiny_families
import tiny_models
from errata.errors import DataError, ModelError
from errata.models import GenericAdapter, ModelSettings, ProcessorParts, build_adapter, quiet_transformers
from errata.records import Turn
from errata.trees import (
    NoTreeError,
    TreeSample,
    build_row,
    change_attention,
    check_adapter,
    enable_tree_attention,
    self_check,
    separate_logps,
    token_logps,
)
from tiny_unknown import build_aya_vision, build_unknown
from tree_checks import assert_equal_passes, build_lora
from tree_samples import ANSWERS

CASES = (
    ("wide", "What is on the table?", [(60, 24)], ANSWERS),
    ("pair", "<image> or <image>?", [(30, 44), (48, 48)], ANSWERS[:3]),
    ("text", "Is there a dog?", [], ANSWERS[:2]),
    ("tall", "Describe it.", [(20, 50)], ANSWERS[1:]),
)
NEW = ("aya_vision", "lighton_ocr", "vipllava")
KNOWN = ("llava", "llava_next")


def build_any(name):
    """Of the families with an adapter, the same model as if it had none."""
    if name == "llava":
        tokenizer = tiny_models.build_tokenizer()
        chat = tiny_families.CHATML
        return tiny_models.build_model(tokenizer), tiny_models.build_processor(tokenizer, chat_template=chat)
    if name == "llava_next":
        model, processor = tiny_families.build_family(name)
        processor.chat_template = tiny_families.CHATML
        return model, processor
    return build_unknown(name)


def build(name):
    model, processor = build_any(name)
    adapter = GenericAdapter(processor, model.config, ModelSettings(name))
    check_adapter(adapter, model)
    enable_tree_attention(model, adapter)
    return adapter, model


def noise(size_px):
    generator = torch.Generator().manual_seed(size_px[0])
    pixels = torch.randint(0, 256, (size_px[1], size_px[0], 3), generator=generator, dtype=torch.uint8)
    return Image.fromarray(pixels.numpy())


def build_samples(adapter, cases=CASES):
    samples = []
    for name, question, sizes, answers in cases:
        prompt = adapter.encode_prompt((Turn("user", question),), [noise(size) for size in sizes])
        responses = tuple(adapter.encode_response(prompt, [Turn("assistant", text)]) for text in answers)
        samples.append(TreeSample(name, prompt, responses, tuple(range(len(answers)))))
    return samples


@pytest.mark.parametrize("name", NEW + KNOWN)
def test_tree_equals_separate_passes(name):
    adapter, model = build(name)
    assert adapter.one_image_because is None
    samples = build_samples(adapter)
    for members in ([0], [0, 1, 2, 3]):
        grads = assert_equal_passes(adapter, model, build_row([samples[i] for i in members]))
        assert any("vision" in parameter for parameter in grads)
    assert self_check(adapter, model, *samples).passed


@pytest.mark.parametrize("name", KNOWN)
def test_the_generic_adapter_agrees_with_the_family_s_own(name):
    adapter, model = build(name)
    own = build_adapter(adapter._processor, model.config, ModelSettings(name))
    for one, other in zip(build_samples(adapter), build_samples(own), strict=True):
        assert one.prompt.input_ids == other.prompt.input_ids
        ours, theirs = (token_logps(each, model, build_row([s])) for each, s in ((adapter, one), (own, other)))
        assert (ours - theirs).abs().max() <= 1e-4


@pytest.mark.parametrize("window", [8, 20])
def test_a_window_is_the_model_s_own(monkeypatch, window):
    monkeypatch.setattr("tiny_unknown.BUILDERS", {"aya_vision": lambda: build_aya_vision(window)})
    adapter, model = build("aya_vision")
    assert_equal_passes(adapter, model, build_row(build_samples(adapter)))


def test_lora_and_gradient_checkpointing():
    adapter, model = build("aya_vision")
    with quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        model = get_peft_model(model, build_lora())
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.1)
        model.gradient_checkpointing_enable({"use_reentrant": False})
        model.enable_input_require_grads()
        model.train()
        grads = assert_equal_passes(adapter, model, build_row(build_samples(adapter)[:3]))
    assert all("lora" in name for name in grads)


@pytest.mark.parametrize("name", ["gemma3", "paddleocr_vl"])
def test_masks_and_positions_that_a_tree_cannot_know_fall_back_with_the_figure(name):
    """Image tokens that see one another in both directions; positions in height and width."""
    adapter, model = build(name)
    samples = build_samples(adapter)
    result = self_check(adapter, model, *samples)
    assert not result.passed
    assert result.logps is separate_logps
    assert 1e-3 < result.max_difference < 100
    assert f"{result.max_difference:.1e}" in result.message
    assert "separate passes" in result.message


def test_a_forward_pass_that_takes_no_layout_falls_back_with_its_reason():
    adapter, model = build("vipllava")

    def forward(*args, **kwargs):
        if "tree" in kwargs:
            raise TypeError("unexpected keyword 'tree'")
        return type(model.model).forward(model.model, *args, **kwargs)

    model.model.forward = forward
    result = self_check(adapter, model, build_samples(adapter)[0])
    assert not result.passed
    assert "unexpected keyword 'tree'" in result.message


def test_attention_that_cannot_be_set_is_no_tree(monkeypatch):
    model, processor = build_unknown("vipllava")
    adapter = GenericAdapter(processor, model.config, ModelSettings("x"))
    monkeypatch.setattr(type(model.model.language_model), "_can_set_attn_implementation", lambda *_: False)
    with pytest.raises(NoTreeError, match="AttentionInterface"):
        enable_tree_attention(model, adapter)


def test_attention_of_another_kind_is_no_tree():
    """Eager attention may bound scores or have sinks, which sdpa would leave out."""
    model, processor = build_unknown("vipllava")
    adapter = GenericAdapter(processor, model.config, ModelSettings("x"))
    model.set_attn_implementation("eager")
    check_adapter(adapter, model)
    with pytest.raises(NoTreeError, match="'eager'"):
        enable_tree_attention(model, adapter)


def test_setting_the_attention_must_change_nothing():
    adapter, model = build("vipllava")
    change_attention(adapter, model, lambda: enable_tree_attention(model, adapter, "varlen"))

    def spoil():
        with torch.no_grad():
            model.lm_head.weight *= 1.1

    with pytest.raises(ModelError, match=r"largest difference of .* before its attention was set"):
        change_attention(adapter, model, spoil)


def test_words_that_could_grow_into_an_image_are_refused():
    model, processor = build_unknown("paligemma")
    adapter = GenericAdapter(processor, model.config, ModelSettings("pali"))
    with pytest.raises(ModelError, match=r"pali: tokens from '<image>' to .*begins and ends with tokens of its own"):
        check_adapter(adapter, model)


def test_answers_that_see_their_own_future_are_refused():
    model, processor = build_unknown("vipllava")
    model.config.text_config.is_causal = False
    for layer in model.model.language_model.layers:
        layer.self_attn.is_causal = False
    adapter = GenericAdapter(processor, model.config, ModelSettings("both-ways"))
    with pytest.raises(ModelError, match=r"both-ways: a largest difference of .* tokens see later ones"):
        check_adapter(adapter, model)


def test_logits_that_are_not_the_output_layer_s_are_refused():
    model, processor = build_unknown("vipllava")
    model.register_forward_hook(lambda _module, _inputs, output: output | {"logits": output.logits * 0.5})
    adapter = GenericAdapter(processor, model.config, ModelSettings("scaled"))
    with pytest.raises(ModelError, match=r"scaled: a largest difference of .* the model's own pass"):
        check_adapter(adapter, model)


def test_dropout_in_training_is_found():
    model, processor = build_unknown("vipllava")
    adapter = GenericAdapter(processor, model.config, ModelSettings("random"))
    model.train()
    check_adapter(adapter, model)
    for layer in model.model.language_model.layers:
        layer.mlp.register_forward_hook(lambda module, _inputs, output: output * (0.5 if module.training else 1.0))
    adapter.is_checked = False
    with pytest.raises(ModelError, match="evaluation mode"):
        check_adapter(adapter, model)


def test_a_model_of_one_image_refuses_two_by_name(monkeypatch):
    model, processor = build_unknown("vipllava")
    process = type(processor).__call__

    def only_one(self, images=None, **options):
        if images is not None and len(images) > 1:
            raise ValueError("one image, please")
        return process(self, images=images, **options)

    monkeypatch.setattr(type(processor), "__call__", only_one)
    adapter = GenericAdapter(processor, model.config, ModelSettings("single"))
    check_adapter(adapter, model)
    assert len(build_samples(adapter, CASES[:1])) == 1
    with pytest.raises(DataError, match="one image, please"):
        build_samples(adapter, CASES[1:2])


def test_a_processor_in_parts_is_refused():
    model, processor = build_unknown("vipllava")
    parts = ProcessorParts(processor.image_processor, processor.tokenizer)
    with pytest.raises(ModelError, match="whole processor"):
        GenericAdapter(parts, model.config, ModelSettings("x"))


def test_a_template_without_images_is_refused():
    model, processor = build_unknown("vipllava")
    processor.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}{# type #}"
    with pytest.raises(ModelError, match="chat template"):
        GenericAdapter(processor, model.config, ModelSettings("x"))
