"""Reference log-probabilities survive kills and damage, and are never used for another model or other data."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from peft import LoraConfig, get_peft_model

from errata.errors import ConfigError, ModelError, StorageError
from errata.models import quiet_transformers
from errata.trees import (
    ReferenceCache,
    build_rows,
    describe_reference,
    enable_tree_attention,
    token_logps,
)
from errata.trees import cache as cache_module
from errata.trees.fingerprint import hash_weights
from tree_samples import build, build_samples


@pytest.fixture(scope="module")
def world():
    adapter, model = build()
    enable_tree_attention(model, adapter)
    return adapter, model, build_rows(build_samples(adapter), 100)


def fill(folder, world):
    """Compute what the cache of this folder lacks; the cache, and how many rows that were."""
    adapter, model, rows = world
    cache = ReferenceCache(folder, describe_reference(model, adapter))
    missing = [row for row in rows if cache.find(row) is None]
    for row in missing:
        with torch.no_grad():
            cache.add(row, token_logps(adapter, model, row))
    cache.flush()
    return cache, len(missing)


def test_cached_equals_live_bit_for_bit(world, tmp_path):
    adapter, model, rows = world
    _, count = fill(tmp_path, world)
    assert count == len(rows)
    again, count = fill(tmp_path, world)
    assert count == 0
    assert not list(again.folder.glob("*.tmp"))
    for row in rows:
        with torch.no_grad():
            assert torch.equal(again.find(row), token_logps(adapter, model, row))


def test_other_packing_finds_the_same_numbers(world, tmp_path):
    adapter, _, _ = world
    cache, _ = fill(tmp_path, world)
    assert all(cache.find(row) is not None for row in build_rows(build_samples(adapter), 10_000))


def test_what_was_flushed_is_not_computed_again(world, tmp_path):
    adapter, model, rows = world
    cache = ReferenceCache(tmp_path, describe_reference(model, adapter))
    with torch.no_grad():
        cache.add(rows[0], token_logps(adapter, model, rows[0]))
    cache.flush()
    _, count = fill(tmp_path, world)
    assert count == len(rows) - 1


@pytest.mark.parametrize(("limit", "value"), [("SHARD_S", 0.0), ("SHARD_TOKENS", 1)])
def test_what_is_computed_is_written_before_long(world, tmp_path, monkeypatch, limit, value):
    adapter, model, rows = world
    cache = ReferenceCache(tmp_path, describe_reference(model, adapter))
    with torch.no_grad():
        cache.add(rows[0], token_logps(adapter, model, rows[0]))
        assert not list(tmp_path.rglob("*.parquet"))
        monkeypatch.setattr(cache_module, limit, value)
        cache.add(rows[1], token_logps(adapter, model, rows[1]))
    again = ReferenceCache(tmp_path, describe_reference(model, adapter))  # after a kill: nobody called flush
    assert again.find(rows[0]) is not None


def test_the_cache_of_another_reference_is_refused_and_the_part_named(world, tmp_path):
    adapter, model, _ = world
    about = describe_reference(model, adapter)
    first = ReferenceCache(tmp_path, about)
    _, other = build(seed=1)
    enable_tree_attention(other, adapter)
    refused = {
        r"differs in weights;": describe_reference(other, adapter),
        r"differs in dtype \(torch.float32, now torch.bfloat16\);": about | {"dtype": "torch.bfloat16"},
        r"differs in attention \(errata_tree, now sdpa\);": about | {"attention": "sdpa"},
        r"differs in template;": about | {"encoding": about["encoding"] | {"template": "{{ messages }}" * 9}},
        r"image_processor.crop_size.height \(48, now 336\), tokenizer;": about
        | {
            "encoding": about["encoding"]
            | {
                "tokenizer": "0" * 64,
                "image_processor": about["encoding"]["image_processor"]
                | {"crop_size": about["encoding"]["image_processor"]["crop_size"] | {"height": 336}},
            }
        },
    }
    for words, description in refused.items():
        with pytest.raises(ConfigError, match=words):
            ReferenceCache(tmp_path, description)
    assert [path.name for path in tmp_path.iterdir()] == [first.fingerprint]
    assert ReferenceCache(tmp_path, about).folder == first.folder


def test_a_cache_that_does_not_say_what_it_is_of_is_refused(world, tmp_path):
    adapter, model, _ = world
    first = ReferenceCache(tmp_path, {"weights": "others"})
    (first.folder / "about.json").write_text("{")
    with pytest.raises(ConfigError, match=r"everything \(about\.json cannot be read\)"):
        ReferenceCache(tmp_path, describe_reference(model, adapter))


def test_the_same_weights_read_otherwise_are_another_reference(world, tmp_path):
    adapter, model = build()
    ReferenceCache(tmp_path, describe_reference(model, adapter))
    for name, value in (("vision_feature_layer", -1), ("vision_feature_select_strategy", "full")):
        other_adapter, other = build()
        setattr(other.config, name, value)
        assert hash_weights(other) == hash_weights(model)
        with pytest.raises(ConfigError, match=rf"differs in {name} "):
            ReferenceCache(tmp_path, describe_reference(other, other_adapter))


def test_an_adapter_on_top_changes_no_fingerprint():
    adapter, model = build()
    before = describe_reference(model, adapter)
    with quiet_transformers():
        wrapped = get_peft_model(model, LoraConfig(r=2, target_modules=r".*language_model.*(q_proj|v_proj)"))
    assert hash_weights(wrapped) == before["weights"]


def test_changed_data_is_computed_again_and_the_rest_kept(world, tmp_path):
    adapter, _, _ = world
    fill(tmp_path, world)
    samples = build_samples(adapter)
    first, second = samples[3].prompt.images
    other = replace(second, pixels=second.pixels + 0.01)
    changed = replace(samples[3].prompt, images=(first, other))
    cache, _ = fill(tmp_path, (*world[:2], []))
    rows = build_rows([*samples[:3], replace(samples[3], prompt=changed)], 10)
    missing = [row for row in rows if cache.find(row) is None]
    assert [sample.id for row in missing for sample in row.samples] == ["pair"]


def test_a_damaged_file_is_set_aside_and_computed_again(world, tmp_path):
    cache, _ = fill(tmp_path, world)
    path = next(cache.folder.glob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-20])
    again, count = fill(tmp_path, world)
    assert count == len(world[2])
    assert [item.exists() for item in again.damaged] == [True]


def test_numbers_that_are_none_are_refused(world, tmp_path):
    _, _, rows = world
    cache = ReferenceCache(tmp_path, {})
    with pytest.raises(ModelError, match="finite"):
        cache.add(rows[0], torch.full((len(rows[0].targets),), float("nan")))


def test_a_full_disk_is_named_and_leaves_no_half_file(world, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    cache = ReferenceCache(tmp_path, {})
    cache.add(world[2][0], torch.zeros(len(world[2][0].targets)))
    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.replace", refuse)
        with pytest.raises(StorageError, match="No space left"):
            cache.flush()
    assert not list(cache.folder.glob("*.tmp"))
    cache.flush()
    assert len(ReferenceCache(tmp_path, {})) == len(cache)
