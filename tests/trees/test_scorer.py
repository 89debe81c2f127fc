"""Scores of a model that is only read are those of separate passes, whatever family it is of."""

from __future__ import annotations

import pytest
import torch
from peft import get_peft_model
from PIL import Image
from transformers.utils import logging

from errata.models import GenericAdapter, LoadedModel, ModelSettings, build_adapter, quiet_transformers
from errata.records import Turn
from errata.trees import Scorer, TreeSample, build_row, separate_logps
from tiny_families import build_family
from tiny_unknown import build_unknown
from tree_checks import build_lora
from tree_samples import ANSWERS, build, build_samples


def load(name):
    if name == "llava":
        adapter, model = build()
        return LoadedModel(model, None, adapter, name)
    model, processor = build_unknown(name) if name == "vipllava" else build_family(name)
    adapter = build_adapter(processor, model.config, ModelSettings(name))
    assert isinstance(adapter, GenericAdapter) == (name == "vipllava")
    return LoadedModel(model, processor, adapter, name)


def build_prompts(adapter):
    samples = []
    for name, sizes_px, answers in (
        ("wide", [(60, 24)], ANSWERS),
        ("text", [], ANSWERS[:2]),
        ("one", [(20, 44)], ANSWERS[:1]),
    ):
        images = [Image.effect_noise(size, 80).convert("RGB") for size in sizes_px]
        prompt = adapter.encode_prompt((Turn("user", "What is on the table?"),), images)
        responses = tuple(adapter.encode_response(prompt, [Turn("assistant", text)]) for text in answers)
        samples.append(TreeSample(name, prompt, responses, (0,) * len(responses)))
    return samples


def assert_equal_to_separate(loaded, samples, found):
    for sample, pieces in zip(samples, found, strict=True):
        with torch.no_grad():
            expected = separate_logps(loaded.adapter, loaded.model, build_row([sample]))
        assert [len(piece) for piece in pieces] == [sum(response.is_response) for response in sample.responses]
        assert (torch.cat(pieces) - expected).abs().max() <= 1e-4
        assert not torch.cat(pieces).requires_grad


@pytest.mark.parametrize("name", ["llava", "qwen2_5_vl", "gemma3", "qwen3_5", "vipllava"])
def test_scores_are_those_of_separate_passes(name, monkeypatch):
    told = []
    monkeypatch.setattr(logging.get_logger("errata.trees.scorer"), "warning", told.append)
    loaded = load(name)
    loaded.model.train()
    samples = build_samples(loaded.adapter) if name == "llava" else build_prompts(loaded.adapter)
    found = Scorer(loaded).score(samples)
    assert loaded.model.training
    loaded.model.eval()
    assert_equal_to_separate(loaded, samples, found)
    assert [f"{name}: no shared prefix" in message for message in told] == [True] * (name == "qwen3_5")


def test_an_adapter_is_switched_off_and_on_again():
    adapter, model = build()
    samples = build_samples(adapter)
    plain = Scorer(LoadedModel(model, None, adapter, "plain")).score(samples)
    with quiet_transformers():
        wrapped = get_peft_model(model, build_lora()).eval()
    with torch.no_grad():
        for name, weight in wrapped.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.1)
    loaded = LoadedModel(wrapped, None, adapter, "adapted")
    off, on = Scorer(loaded, without_adapter=True).score(samples), Scorer(loaded).score(samples)
    for one, other, changed in zip(plain, off, on, strict=True):
        assert (torch.cat(one) - torch.cat(other)).abs().max() <= 1e-5
        assert (torch.cat(one) - torch.cat(changed)).abs().max() > 1e-2
    assert_equal_to_separate(loaded, samples, on)


def test_a_tree_that_is_not_exact_is_not_used(monkeypatch):
    loaded = load("llava")
    monkeypatch.setattr("errata.trees.check.token_logps", lambda *args, **options: separate_logps(*args) + 1)
    told = []
    monkeypatch.setattr(logging.get_logger("errata.trees.scorer"), "warning", told.append)
    samples = build_samples(loaded.adapter)
    assert_equal_to_separate(loaded, samples, Scorer(loaded).score(samples))
    assert len(told) == 1
    assert "shared prefix differs" in told[0]
    assert Scorer(loaded).score([]) == []
