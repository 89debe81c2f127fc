"""A tree gives the log-probabilities and gradients of separate passes, whatever shares the row."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest
import torch
from peft import get_peft_model

from errata.errors import ModelError
from errata.models import EncodedImage, LlavaAdapter, ModelSettings, quiet_transformers
from errata.records import Turn
from errata.trees import (
    TreeSample,
    TreeShape,
    build_row,
    build_rows,
    enable_tree_attention,
    self_check,
    separate_logps,
    token_logps,
)
from tiny_models import build_model, build_processor, build_tokenizer
from tree_checks import assert_equal_passes, build_lora, gradients
from tree_samples import ANSWERS, build, build_samples


@pytest.mark.parametrize(("text", "kv_heads"), [("llama", 4), ("llama", 2), ("mistral", 2)])
@pytest.mark.parametrize("members", [(0,), (0, 1, 3), (2,), (0, 1, 2, 3)])
def test_tree_equals_separate_passes(text, kv_heads, members):
    adapter, model = build(text, kv_heads)
    enable_tree_attention(model, adapter)
    samples = build_samples(adapter)
    grads = assert_equal_passes(adapter, model, build_row([samples[i] for i in members]))
    assert any("language_model" in name for name in grads)
    assert members == (2,) or any("vision_tower" in name for name in grads)


@pytest.mark.parametrize("window", [4, 20, 1000])
def test_a_sliding_window_counts_positions(window):
    adapter, model = build("mistral")
    model.config.text_config.sliding_window = window
    for layer in model.model.language_model.layers:
        layer.self_attn.config.sliding_window = window
    enable_tree_attention(model, adapter)
    assert_equal_passes(adapter, model, build_row(build_samples(adapter)))


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("lora", [False, True])
def test_lora_and_gradient_checkpointing(lora, checkpointing):
    adapter, model = build()
    with quiet_transformers():
        if lora:
            model = get_peft_model(model, build_lora())
            for name, parameter in model.named_parameters():
                if "lora_B" in name:
                    torch.nn.init.normal_(parameter, std=0.1)
        enable_tree_attention(model, adapter)
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
            model.enable_input_require_grads()
            model.train()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            grads = assert_equal_passes(adapter, model, build_row(build_samples(adapter)[:3]))
    assert all("lora" in name for name in grads) is lora


def test_packing_changes_nothing():
    adapter, model = build()
    enable_tree_attention(model, adapter)
    samples = build_samples(adapter)
    by_response = {}
    for limit in (10, 120, 10_000):
        for row in build_rows(samples, limit):
            assert len(row.samples) == 1 or row.input_ids.shape[1] <= limit
            pieces = token_logps(adapter, model, row).split(list(row.target_lengths))
            names = [(s.id, k) for s in row.samples for k in range(len(s.responses))]
            for name, piece in zip(names, pieces, strict=True):
                by_response.setdefault(name, []).append(piece)
    for pieces in by_response.values():
        assert len(pieces) == 3
        assert max((pieces[0] - piece).abs().max() for piece in pieces) < 1e-4


def test_chunks_change_nothing_and_keep_no_logits():
    adapter, model = build()
    enable_tree_attention(model, adapter)
    row = build_row(build_samples(adapter))
    whole = token_logps(adapter, model, row)
    expected = gradients(model, whole)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.shape) or t, lambda t: t):
        chunked = token_logps(adapter, model, row, chunk_size=7)
    vocabulary = model.lm_head.weight.shape[0]
    assert not any(shape[-1:] == (vocabulary,) for shape in kept)
    torch.testing.assert_close(whole, chunked, atol=1e-5, rtol=0)
    for name, value in gradients(model, chunked).items():
        torch.testing.assert_close(value, expected[name], atol=1e-4 * float(expected[name].abs().max()), rtol=0)


def test_the_vision_tower_sees_each_distinct_image_once():
    adapter, model = build()
    enable_tree_attention(model, adapter)
    seen = []
    model.model.vision_tower.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs.get("pixel_values", args[0] if args else None).shape[0]),
        with_kwargs=True,
    )
    row = build_row(build_samples(adapter))
    token_logps(adapter, model, row)
    assert seen == [2]
    assert row.image_index == [0, 0, 0, 1]


def test_a_model_that_would_ignore_the_layout_is_refused():
    adapter, model = build()
    row = build_row(build_samples(adapter))
    with pytest.raises(ModelError, match="ignores the layout"):
        token_logps(adapter, model, row)
    enable_tree_attention(model, adapter)
    assert model.config.vision_config._attn_implementation == "sdpa"
    model.config.text_config.layer_types = ["full_attention", "linear_attention"]
    with pytest.raises(ModelError, match="linear_attention"):
        enable_tree_attention(model, adapter)


def test_generation_is_untouched_by_tree_attention():
    adapter, model = build()
    ids = torch.tensor([[3, 3, 3, 10, 11, 12], [7, 8, 9, 10, 11, 12]])
    mask = (ids != 3).long()
    with torch.no_grad(), quiet_transformers():
        before = model(input_ids=ids, attention_mask=mask).logits
        enable_tree_attention(model, adapter)
        after = model(input_ids=ids, attention_mask=mask).logits
    assert torch.equal(before[mask.bool()], after[mask.bool()])


def test_the_self_check_passes_and_falls_back(monkeypatch):
    adapter, model = build()
    enable_tree_attention(model, adapter)
    sample = build_samples(adapter)[0]
    model.train()
    good = self_check(adapter, model, sample)
    assert good.passed
    assert good.logps is token_logps
    assert model.training
    true_shape = type(sample).shape.fget
    wrong = property(lambda item: TreeShape(true_shape(item).prefix - 1, (1, *true_shape(item).responses)))
    monkeypatch.setattr(type(sample), "shape", wrong)
    bad = self_check(adapter, model, sample)
    assert not bad.passed
    assert bad.logps is separate_logps
    assert "separate passes" in bad.message


@pytest.mark.parametrize(
    ("dtype", "words"),
    [
        (torch.float32, "shared prefix is exact (largest"),
        (torch.bfloat16, "shared prefix is exact as far as bfloat16 can tell (largest"),
    ],
)
def test_the_self_check_says_in_which_format_it_is_exact(dtype, words):
    adapter, model = build("llama")
    model = model.to(dtype)
    enable_tree_attention(model, adapter)
    assert self_check(adapter, model, build_samples(adapter)[0]).message.startswith(words)


def test_the_row_says_what_it_holds():
    adapter, _ = build()
    samples = build_samples(adapter)
    weights = tuple(tuple(float(i) for i in range(len(r.input_ids))) for r in samples[1].responses)
    row = build_row([samples[0], replace(samples[1], token_weights=weights)])
    assert row.records == [(0, (0, 1, 2, 3)), (4, (0, 1))]
    assert row.num_responses == 6
    first = row.response_index == 4
    own = samples[1].responses[0].is_response
    assert row.token_weights[first].tolist() == [float(i) for i, mine in enumerate(own) if mine]
    assert set(row.round_index[first].tolist()) == {0, 1}
    asked = adapter.decode(row.targets[first].tolist())
    assert "cat" not in asked
    assert int(row.position_ids.max()) < int(row.input_ids.shape[1])


def test_data_parallel_sees_the_forward_pass(tmp_path):
    adapter, model = build()
    enable_tree_attention(model, adapter)
    row = build_row(build_samples(adapter)[:3])
    expected = gradients(model, token_logps(adapter, model, row))
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    try:
        wrapped = torch.nn.parallel.DistributedDataParallel(model, find_unused_parameters=True)
        calls = []
        wrapped.register_forward_pre_hook(lambda *_: calls.append(1))
        found = gradients(wrapped, token_logps(adapter, wrapped, row))
    finally:
        torch.distributed.destroy_process_group()
    assert calls == [1]
    for name, value in expected.items():
        assert (found["module." + name] - value).abs().max() <= 1e-4 * value.abs().max().clamp_min(1e-2), name


def test_images_of_real_size():
    tokenizer = build_tokenizer()
    model = build_model(tokenizer, image_px=336, patch_px=14)
    adapter = LlavaAdapter(build_processor(tokenizer, image_px=336, patch_px=14), model.config, ModelSettings("tiny"))
    enable_tree_attention(model, adapter)
    image = EncodedImage(torch.randn(3, 336, 336, generator=torch.Generator().manual_seed(1)), 576)
    prompt = adapter.encode_prompt((Turn("user", "Describe it."),), [image])
    assert len(prompt.input_ids) > 576
    responses = tuple(adapter.encode_response(prompt, [Turn("assistant", text)]) for text in ANSWERS)
    sample = TreeSample("photo", prompt, responses, (0, 1, 2, 3))
    assert_equal_passes(adapter, model, build_row([sample, sample]))
