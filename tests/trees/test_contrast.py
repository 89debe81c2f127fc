"""A record with a second tree, the same best responses behind corrupted images: exact in every family."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from PIL import Image

from errata.images import corrupt_image
from errata.models import ModelSettings, build_adapter
from errata.records import Turn
from errata.trees import (
    ReferenceCache,
    TreeSample,
    build_row,
    build_rows,
    enable_tree_attention,
    self_check,
    token_logps,
)
from tiny_families import BUILDERS, build_family
from tree_checks import assert_equal_passes
from tree_samples import ANSWERS, build

CASES = (
    ("wide", "What is on the table?", [(60, 24)], (0, 1, 2, 3)),
    ("pair", "<image> or <image>?", [(30, 44), (48, 48)], (1, 0, 0)),  # two best responses, not first
    ("tall", "Describe it.", [(20, 50)], (0, 1)),
)


def build_any(family):
    if family == "llava":
        adapter, model = build()
    else:
        model, processor = build_family(family)
        adapter = build_adapter(processor, model.config, ModelSettings("tiny"))
    enable_tree_attention(model, adapter)
    return adapter, model


def noise(size_px):
    generator = torch.Generator().manual_seed(size_px[0])
    pixels = torch.randint(0, 256, (size_px[1], size_px[0], 3), generator=generator, dtype=torch.uint8)
    return Image.fromarray(pixels.numpy())


def build_samples(adapter, rule="crop"):
    samples = []
    for name, question, sizes, levels in CASES:
        images = [noise(size) for size in sizes]
        corrupted = [corrupt_image(image, rule, f"{name} {number}") for number, image in enumerate(images)]
        prompt, other = (adapter.encode_prompt((Turn("user", question),), shown) for shown in (images, corrupted))
        assert other.input_ids == prompt.input_ids  # the size stays, so every family sees as many tokens
        responses = tuple(adapter.encode_response(prompt, [Turn("assistant", a)]) for a in ANSWERS[: len(levels)])
        best = tuple(response for response, level in zip(responses, levels, strict=True) if level == 0)
        contrast = TreeSample(name, other, best, (0,) * len(best))
        samples.append(TreeSample(name, prompt, responses, levels, contrast=contrast))
    return samples


@pytest.mark.parametrize("family", ["llava", *BUILDERS])
def test_tree_equals_separate_passes(family):
    adapter, model = build_any(family)
    samples = build_samples(adapter)
    for members in (samples[:1], samples):
        row = build_row(members)
        grads = assert_equal_passes(adapter, model, row)
        assert any("vis" in name for name in grads)
        with torch.no_grad():
            pieces = token_logps(adapter, model, row).split(list(row.target_lengths))
        for (start, levels), contrast in zip(row.records, row.contrasts, strict=True):
            best = [start + i for i, level in enumerate(levels) if level == 0]
            for number, position in enumerate(best):
                own, other = pieces[position], pieces[contrast + number]
                assert own.shape == other.shape
                assert (own - other).abs().max() > 1e-3, "the corrupted image changes nothing"


def test_a_contrast_of_other_length_is_exact_too():
    adapter, model = build_any("qwen2_vl")
    sample = build_samples(adapter)[0]
    shorter = adapter.encode_prompt(sample.prompt.turns, [noise((24, 24))])
    assert len(shorter.input_ids) < len(sample.prompt.input_ids)
    other = replace(sample, contrast=replace(sample.contrast, prompt=shorter))
    assert_equal_passes(adapter, model, build_row([sample, other]))


def test_the_row_says_where_the_contrasts_stand():
    adapter, _ = build_any("llava")
    samples = build_samples(adapter)
    row = build_row(samples)
    assert row.records == [(0, (0, 1, 2, 3)), (5, (1, 0, 0)), (10, (0, 1))]
    assert row.contrasts == [4, 8, 12]
    assert row.num_responses == 13
    assert [sample.total for sample in samples] == [
        sample.shape.total + sample.contrast.shape.total for sample in samples
    ]
    assert row.input_ids.shape[1] == sum(sample.total for sample in samples)
    assert build_row([replace(sample, contrast=None) for sample in samples]).contrasts is None


def test_rows_count_the_contrast():
    adapter, _ = build_any("llava")
    samples = build_samples(adapter)
    limit = samples[0].total + samples[2].total
    rows = build_rows(samples, limit)
    assert len(rows) > 1
    assert all(row.input_ids.shape[1] <= limit for row in rows)


def test_the_self_check_covers_the_contrast():
    adapter, model = build_any("llava")
    assert self_check(adapter, model, build_samples(adapter)[1]).passed


def test_the_cache_tells_the_two_images_apart(tmp_path):
    adapter, model = build_any("llava")
    row = build_row(build_samples(adapter))
    with torch.no_grad():
        logps = token_logps(adapter, model, row)
    cache = ReferenceCache(tmp_path, {"model": "tiny"})
    cache.add(row, logps)
    cache.flush()
    again = ReferenceCache(tmp_path, {"model": "tiny"})
    assert torch.equal(again.find(row), logps)
    assert again.find(build_row(build_samples(adapter, rule="black"))) is None
    plain = build_row([replace(sample, contrast=None) for sample in row.samples])
    kept = [piece for number, piece in enumerate(logps.split(list(row.target_lengths))) if number not in {4, 8, 9, 12}]
    assert torch.equal(again.find(plain), torch.cat(kept))
