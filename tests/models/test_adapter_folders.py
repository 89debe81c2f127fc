"""Folders of adapters as they are found: where their base is, what they add, and which are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file

import tiny_models
from errata.errors import ModelError
from errata.models import ModelSettings, find_adapter, load_model, merge_adapter, quiet_transformers

pytestmark = pytest.mark.filterwarnings("ignore:Setting `save_embedding_layers`:UserWarning")
TARGETS = r".*language_model.*(q_proj|v_proj)"


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return tiny_models.save_tiny_model(tmp_path_factory.mktemp("models") / "base")


def save(base: Path, folder: Path, **options) -> Path:
    config = LoraConfig(r=2, target_modules=TARGETS, **options)
    with quiet_transformers():
        model = get_peft_model(load_model(ModelSettings(str(base))).model, config)
        torch.manual_seed(1)
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.data.normal_(0.0, 0.1)
        model.save_pretrained(folder)
    return folder


def name_base(folder: Path, name: str | None) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": name}))


def load(name: str | Path):
    return load_model(ModelSettings(str(name)))


@pytest.mark.parametrize("stated", ["base", "./base", "../base", "models/base"])
def test_a_relative_base_is_found_from_anywhere(base, tmp_path, monkeypatch, stated):
    shutil.copytree(base, tmp_path / "models" / "base")
    folder = save(base, tmp_path / "models" / "adapter")
    name_base(folder, stated)
    monkeypatch.chdir("/")
    assert find_adapter(str(folder)).base == str(tmp_path / "models" / "base")
    load(folder)


def test_a_base_that_was_moved_with_its_adapter_is_found(base, tmp_path):
    shutil.copytree(base, tmp_path / "run" / "base")
    for place, stated in (("run/model", "/gone/before/base"), ("run/training/model", "/gone/run/base")):
        folder = save(base, tmp_path / place)
        name_base(folder, stated)
        assert find_adapter(str(folder)).base == str(tmp_path / "run" / "base")
    name_base(tmp_path / "run" / "training" / "model", "/gone/before/base")  # may be any other run's
    with pytest.raises(ModelError, match=r"nothing at /gone/before/base"):
        load(tmp_path / "run" / "training" / "model")


@pytest.mark.parametrize("stated", [None, "", 3])
def test_an_adapter_without_a_base_is_told_how_to_be_given_one(base, tmp_path, stated):
    folder = save(base, tmp_path / "adapter")
    name_base(folder, stated)
    with pytest.raises(ModelError, match=r"adapter_config\.json.*BASE\+ADAPTER"):
        load(folder)
    load(f"{base}+{folder}")


def test_an_adapter_as_the_base_of_another_is_refused(base, tmp_path):
    first, second = save(base, tmp_path / "one"), save(base, tmp_path / "two")
    name_base(second, str(first))
    for name in (str(second), f"{first}+{second}"):
        with pytest.raises(ModelError, match=r"another adapter.*merge_adapter"):
            load(name)
    name_base(second, str(merge_adapter(ModelSettings(str(first)), tmp_path / "merged")))
    load(second)


def test_a_folder_of_several_adapters_names_them(base, tmp_path):
    for name in ("policy", "reference"):
        save(base, tmp_path / "both" / name)
    with pytest.raises(ModelError, match="policy, reference"):
        load(tmp_path / "both")
    save(base, tmp_path / "both")  # as PEFT writes an adapter called default, and others in folders of their own
    load(tmp_path / "both")


def test_an_adapter_of_prompts_is_refused(base, tmp_path):
    config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2, token_dim=32, num_layers=2)
    config.num_attention_heads = 4
    with quiet_transformers():
        get_peft_model(load(base).model, config).save_pretrained(tmp_path / "prompts")
    with pytest.raises(ModelError, match="PROMPT_TUNING"):
        load(tmp_path / "prompts")


def test_an_adapter_that_lacks_weights_is_refused(base, tmp_path):
    path = save(base, tmp_path / "adapter") / "adapter_model.safetensors"
    weights = load_file(path)
    save_file({name: value for name, value in weights.items() if "layers.1" not in name}, path)
    with pytest.raises(ModelError, match="missing adapter keys"):
        load(path.parent)


@pytest.mark.parametrize("kind", ["whole", "modules_to_save", "trainable_token_indices"])
def test_an_adapter_with_tokens_of_its_own_brings_them(base, tmp_path, kind):
    loaded = load(base)
    tokenizer = loaded.processor.tokenizer
    old = len(tokenizer)
    tokenizer.add_tokens(["<mark>", "<spot>"])
    loaded.model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    options = {
        "whole": {},
        "modules_to_save": {"modules_to_save": ["embed_tokens", "lm_head"]},
        "trainable_token_indices": {"trainable_token_indices": {"embed_tokens": [old, old + 1]}},
    }[kind]
    config = LoraConfig(r=2, target_modules=TARGETS, **options)
    with quiet_transformers():
        model = get_peft_model(loaded.model, config)
        if kind == "trainable_token_indices":
            next(p for n, p in model.named_parameters() if "trainable_tokens_delta" in n).data.fill_(0.5)
        model.save_pretrained(tmp_path / "adapter", save_embedding_layers=kind == "whole")
    tokenizer.save_pretrained(tmp_path / "adapter")
    again = load(tmp_path / "adapter")
    assert again.processor.tokenizer.convert_tokens_to_ids("<spot>") == old + 1
    ids = torch.tensor([[1, old, old + 1]])
    with torch.no_grad():
        embedded, expected = (one.get_input_embeddings()(ids) for one in (again.model, model))
        assert torch.equal(embedded, expected)
    merged = load(merge_adapter(ModelSettings(str(tmp_path / "adapter")), tmp_path / "merged"))
    assert len(merged.processor.tokenizer) == old + 2
    assert torch.equal(merged.model.get_input_embeddings()(ids), expected)


def test_a_quantised_base_that_cannot_be_loaded_is_told_what_to_name_instead(base, tmp_path):
    quantised = shutil.copytree(base, tmp_path / "quantised")
    path = quantised / "config.json"
    stated = {"quantization_config": {"quant_method": "gptq", "bits": 4}}
    path.write_text(json.dumps(json.loads(path.read_text()) | stated))
    folder = save(base, tmp_path / "adapter")
    name_base(folder, str(quantised))
    with pytest.raises(ModelError, match=r"quantised weights: .*BASE\+ADAPTER"):
        load(folder)
    load(f"{base}+{folder}")


def test_an_adapter_in_the_hub_s_cache_is_found_by_its_name(base, tmp_path, monkeypatch):
    """Alone, on the base that it names, and on another one; one that was never fetched is none."""
    place = tmp_path / "models--owner--tuned"
    commit = "0" * 40
    save(base, place / "snapshots" / commit)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    found = find_adapter("owner/tuned")
    assert found.path == place / "snapshots" / commit
    assert hasattr(load("owner/tuned").model, "disable_adapter")
    assert hasattr(load(f"{base}+owner/tuned").model, "disable_adapter")
    assert find_adapter("owner/other") is None
