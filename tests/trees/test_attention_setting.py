"""The `attention` setting, and the variable-length form against the split one."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from errata.errors import ConfigError
from errata.models import Block, quiet_transformers
from errata.training import PreferenceConfig
from errata.trees import (
    TreeLayout,
    TreeShape,
    build_row,
    choose_attention,
    enable_tree_attention,
    token_logps,
)
from errata.trees import support as support_module
from errata.trees import varlen as varlen_module
from errata.trees.attention import tree_attention
from errata.trees.varlen import VARLEN_ATTENTION, attend_row, varlen_tree_attention
from tree_checks import assert_equal_passes
from tree_samples import build, build_samples

SHAPES = (
    (TreeShape(7, (3,)),),
    (TreeShape(7, (3, 5, 1, 4)),),
    (TreeShape(4, (2, 6)), TreeShape(9, (1, 1, 3)), TreeShape(1, (5, 2))),
)


def reference_kernel(q, k, v, cu_q, cu_k, max_q, max_k, *, scale, window_size, enable_gqa):
    """What `torch.nn.attention.varlen.varlen_attn` promises, one sequence at a time: causal from the bottom right."""
    left, right = window_size
    assert right == 0
    assert cu_q.dtype == cu_k.dtype == torch.int32
    assert enable_gqa == (q.shape[1] != k.shape[1])
    assert len(q) == cu_q[-1]
    assert len(k) == len(v) == cu_k[-1]
    outputs = []
    for n in range(len(cu_q) - 1):
        queries, keys, values = q[cu_q[n] : cu_q[n + 1]], k[cu_k[n] : cu_k[n + 1]], v[cu_k[n] : cu_k[n + 1]]
        assert len(queries) <= max_q
        assert len(keys) <= max_k
        place = torch.arange(len(queries), device=q.device)[:, None] + len(keys) - len(queries)
        distance = place - torch.arange(len(keys), device=q.device)
        visible = (distance >= 0) if left < 0 else (distance >= 0) & (distance <= left)
        heads = (tensor.transpose(0, 1)[None] for tensor in (queries, keys, values))
        output = scaled_dot_product_attention(*heads, attn_mask=visible, scale=scale, enable_gqa=enable_gqa)
        outputs.append(output[0].transpose(0, 1))
    return torch.cat(outputs)


def draw(samples, heads=4, key_heads=2, width=8, seed=0, dtype=torch.float64, device="cpu"):
    generator = torch.Generator().manual_seed(seed)
    length = sum(sample.total for sample in samples)
    shapes = [(1, count, length, width) for count in (heads, key_heads, key_heads)]
    tensors = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return [tensor.to(device, dtype).requires_grad_() for tensor in tensors]


@pytest.mark.parametrize("window", [None, 1, 3, 6, 100])
@pytest.mark.parametrize("key_heads", [4, 2])
@pytest.mark.parametrize("samples", SHAPES)
def test_one_call_is_the_split(monkeypatch, samples, key_heads, window):
    tree = TreeLayout(samples)
    one, other = (draw(samples, key_heads=key_heads) for _ in range(2))
    split, _ = tree_attention(torch.nn.Module(), *one, None, tree=tree, scaling=0.3, sliding_window=window)
    monkeypatch.setattr(varlen_module, "KERNEL", reference_kernel)
    whole = attend_row(*other, tree, scaling=0.3, window=window)
    assert (split - whole).abs().max() < 1e-12
    weights = torch.randn(split.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for output in (split, whole):
        (output * weights).sum().backward()
    for mine, theirs in zip(one, other, strict=True):
        assert (mine.grad - theirs.grad).abs().max() < 1e-12


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("text", ["llama", "mistral"])
def test_a_whole_model_gives_the_numbers_of_separate_passes(monkeypatch, text, checkpointing):
    monkeypatch.setattr(varlen_module, "HALVES", (torch.float32,))
    monkeypatch.setattr(varlen_module, "KERNEL", reference_kernel)
    adapter, model = build(text, kv_heads=2)
    enable_tree_attention(model, adapter, "varlen")
    assert model.config.text_config._attn_implementation == VARLEN_ATTENTION
    assert model.config.vision_config._attn_implementation == "sdpa"
    if checkpointing:
        with quiet_transformers():
            model.gradient_checkpointing_enable({"use_reentrant": False})
        model.train()
    assert_equal_passes(adapter, model, build_row(build_samples(adapter)))


def test_formats_without_a_kernel_and_generation_take_the_split():
    adapter, model = build()
    row = build_row(build_samples(adapter))
    ids = torch.tensor([[7, 8, 9, 10, 11, 12]])
    with torch.no_grad():
        enable_tree_attention(model, adapter)
        expected, before = token_logps(adapter, model, row), model(input_ids=ids).logits
        enable_tree_attention(model, adapter, "varlen")  # float32 on a CPU, which no kernel takes
        assert torch.equal(token_logps(adapter, model, row), expected)
        assert torch.equal(model(input_ids=ids).logits, before)


@pytest.mark.parametrize("options", [{"softcap": 2.0, "scaling": 0.3}, {}])
def test_bounded_scores_and_both_directions_take_the_split(monkeypatch, options):
    monkeypatch.setattr(varlen_module, "HALVES", (torch.float64,))
    monkeypatch.setattr(varlen_module, "KERNEL", reference_kernel)
    blocks = () if options else (Block(1, 5),)
    samples = (TreeShape(7, (3, 5), blocks), TreeShape(4, (2,)))
    tensors, tree = draw(samples), TreeLayout(samples)
    expected, _ = tree_attention(torch.nn.Module(), *tensors, None, tree=tree, **options)
    found, _ = varlen_tree_attention(torch.nn.Module(), *tensors, None, tree=tree, **options)
    assert torch.equal(found, expected)
    plain, _ = varlen_tree_attention(
        torch.nn.Module(), *tensors, None, tree=TreeLayout((TreeShape(7, (3, 5)), samples[1]))
    )
    assert (plain - expected).abs().max() > 0.01


def test_auto_is_sane(monkeypatch):
    cpu, gpu = torch.device("cpu"), torch.device("cuda:0")
    assert choose_attention("auto", cpu, torch.float32) == "split"
    assert choose_attention("auto", cpu, torch.bfloat16) == "split"
    assert choose_attention("auto", gpu, torch.float32) == "split"
    assert choose_attention("auto", gpu, torch.bfloat16) == "varlen"
    assert choose_attention("auto", gpu, torch.float16) == "varlen"
    assert choose_attention("split", gpu, torch.bfloat16) == "split"
    assert choose_attention("varlen", gpu, torch.bfloat16) == "varlen"
    monkeypatch.setattr(support_module, "KERNEL", None)
    assert choose_attention("auto", gpu, torch.bfloat16) == "split"
    with pytest.raises(ConfigError, match="without it"):
        choose_attention("varlen", gpu, torch.bfloat16)


@pytest.mark.parametrize(
    ("setting", "device", "dtype", "words"),
    [
        ("varlen", "cpu", torch.bfloat16, "the device 'cpu'"),
        ("varlen", "cuda:0", torch.float32, "passes in float32"),
        ("flash", "cpu", torch.float32, "auto, split, varlen"),
    ],
)
def test_a_kernel_that_is_not_there_is_named(setting, device, dtype, words):
    with pytest.raises(ConfigError, match=words):
        choose_attention(setting, torch.device(device), dtype)


def test_the_setting_is_checked_before_a_model_is_loaded(tmp_path):
    with pytest.raises(ConfigError, match="auto, split, varlen"):
        PreferenceConfig(output_dir=str(tmp_path), attention="flash", use_cpu=True)
    with pytest.raises(ConfigError, match="the device 'cpu'"):
        PreferenceConfig(output_dir=str(tmp_path), attention="varlen", use_cpu=True)


@pytest.mark.gpu
@pytest.mark.parametrize("window", [None, 33])
@pytest.mark.parametrize("key_heads", [8, 2])
def test_the_kernel_gives_the_split_s_numbers(key_heads, window):
    samples = (TreeShape(130, (20, 45, 7)), TreeShape(64, (31, 5)))
    tree = TreeLayout(samples)
    options = {"heads": 8, "key_heads": key_heads, "width": 64, "dtype": torch.bfloat16, "device": "cuda"}
    one, other = (draw(samples, **options) for _ in range(2))
    split, _ = tree_attention(torch.nn.Module(), *one, None, tree=tree, sliding_window=window)
    whole = attend_row(*other, tree, window=window)
    assert (split - whole).float().abs().max() < 0.02
    for output in (split, whole):
        output.float().square().sum().backward()
    for mine, theirs in zip(one, other, strict=True):
        assert (mine.grad - theirs.grad).float().abs().max() < 0.05 * mine.grad.float().abs().max()


@pytest.mark.gpu
def test_a_model_on_a_gpu_gives_the_split_s_numbers():
    adapter, model = build(kv_heads=2)
    model = model.to("cuda", torch.bfloat16)
    row = build_row(build_samples(adapter)).to("cuda")
    found = []
    for attention in ("split", "varlen"):
        enable_tree_attention(model, adapter, attention)
        with torch.no_grad():
            found.append(token_logps(adapter, model, row))
    assert (found[0] - found[1]).abs().max() < 0.25
    assert (found[0] - found[1]).abs().mean() < 0.03
