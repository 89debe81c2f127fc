"""Models load from folders, exactly and quietly; what is not a model is named."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from peft import LoraConfig, get_peft_model

from errata.errors import ModelError
from errata.models import ModelSettings, load_model, quiet_transformers
from tiny_models import save_tiny_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


def test_a_folder_round_trips_without_a_word(folder, tmp_path, capfd):
    loaded = load_model(ModelSettings(str(folder)))
    assert not loaded.model.training
    assert loaded.model.dtype == torch.float32
    loaded.model.save_pretrained(tmp_path / "again")
    loaded.processor.save_pretrained(tmp_path / "again")
    capfd.readouterr()
    again = load_model(ModelSettings(str(tmp_path / "again")))
    assert capfd.readouterr() == ("", "")
    for name, value in loaded.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name])
    assert loaded.adapter.describe() == again.adapter.describe()


def test_dtype_and_mode_are_settings(folder):
    loaded = load_model(ModelSettings(str(folder), dtype="bfloat16", device="cpu"), for_training=True)
    assert loaded.model.dtype == torch.bfloat16
    assert loaded.model.training
    with pytest.raises(ModelError, match="float32"):
        load_model(ModelSettings(str(folder), dtype="int3"))
    with pytest.raises(ModelError, match=r"model\.device"):
        load_model(ModelSettings(str(folder), device="abacus"))


def test_the_template_of_vicuna_is_assumed_for_nothing_but_vicuna(tmp_path):
    for name, text, eos in (("llama", "llama", "</s>"), ("mistral", "mistral", "</s>"), ("yi", "llama", "<pad>")):
        place = save_tiny_model(tmp_path / name, text=text)
        settings = json.loads((place / "tokenizer_config.json").read_text())
        (place / "tokenizer_config.json").write_text(json.dumps(settings | {"eos_token": eos}))
    load_model(ModelSettings(str(tmp_path / "llama")))
    for name in ("mistral", "yi"):
        with pytest.raises(ModelError, match=rf"{name}: model\.template: none; expected a chat template"):
            load_model(ModelSettings(str(tmp_path / name)))


def test_an_adapter_folder_brings_its_base(folder, tmp_path):
    base = load_model(ModelSettings(str(folder)))
    with quiet_transformers():
        lora = LoraConfig(r=2, target_modules=r".*language_model.*(q_proj|v_proj)")
        get_peft_model(base.model, lora).save_pretrained(tmp_path / "adapter")
    loaded = load_model(ModelSettings(str(tmp_path / "adapter")), for_training=True)
    trainable = [name for name, value in loaded.model.named_parameters() if value.requires_grad]
    assert trainable
    assert all("lora" in name for name in trainable)
    (tmp_path / "adapter" / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match="adapter_model"):
        load_model(ModelSettings(str(folder)), adapter_path=tmp_path / "adapter")


def spoil_nothing(path):
    shutil.rmtree(path)


def spoil_config(path):
    (path / "config.json").write_text("{ not json")


def spoil_kind(path):
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "model_type": "llama"}))


def spoil_weights(path):
    data = (path / "model.safetensors").read_bytes()
    (path / "model.safetensors").write_bytes(data[: len(data) // 2])


def spoil_pickle(path):
    (path / "model.safetensors").rename(path / "pytorch_model.bin")


def spoil_processor(path):
    (path / "processor_config.json").unlink()
    (path / "tokenizer.json").unlink()


def spoil_missing(path):
    from safetensors.torch import load_file, save_file

    weights = load_file(path / "model.safetensors")
    weights.pop(next(name for name in weights if "q_proj" in name))
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_nothing, "no such folder"),
        (spoil_config, "readable model configuration"),
        (spoil_kind, "an architecture with an adapter"),
        (spoil_weights, "whole safetensors"),
        (spoil_pickle, "unpickle"),
        (spoil_processor, "processor"),
        (spoil_missing, "missing"),
    ],
)
def test_a_folder_that_is_not_a_model_is_named(folder, tmp_path, spoil, words):
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    spoil(broken)
    with pytest.raises(ModelError, match=words) as caught:
        load_model(ModelSettings(str(broken)))
    assert str(broken) in caught.value.where
    assert caught.value.fix
