"""Recipes of releases ask the model as the release does: its template and its system prompt."""

from __future__ import annotations

import pytest
from PIL import Image

from errata.config import find_recipe, load_settings
from errata.models import LlavaAdapter, ModelSettings, build_adapter
from errata.models.families import family
from errata.records import Turn
from errata.training.run.run import TrainRun
from tiny_families import build_family
from tiny_models import build_model, build_processor, build_tokenizer

SYSTEM = (
    "A chat between a curious {who} and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the {who}'s questions."
)
VICUNA = SYSTEM + " USER: <image>\nWhat is it? ASSISTANT:"
PROMPTS = {
    "rlaifv": VICUNA.format(who="human"),
    "mdpo-release": VICUNA.format(who="user"),
    "ddpo-release": SYSTEM.format(who="human") + "\n\n### Human: <image>\nWhat is it?\n### Assistant:",
}


def load(recipe, **model):
    stated = [f"model.{name}={value}" for name, value in {"name": "tiny", **model}.items()]
    return load_settings(TrainRun, find_recipe(recipe), [*stated, "data=x.jsonl", "out=x"]).model


@pytest.mark.parametrize("recipe", PROMPTS)
def test_a_question_is_put_as_in_the_release(recipe):
    tokenizer = build_tokenizer()
    adapter = LlavaAdapter(build_processor(tokenizer), build_model(tokenizer).config, load(recipe))
    prompt = adapter.encode_prompt((Turn("user", "What is it?"),), [Image.new("RGB", (9, 9))])
    assert prompt.text == PROMPTS[recipe]
    response = adapter.encode_response(prompt, [Turn("assistant", "A cup.")])
    assert tokenizer.decode(response.input_ids) == " A cup.</s>"
    assert all(response.is_response)


@pytest.mark.parametrize("recipe", PROMPTS)
def test_a_model_with_a_template_of_its_own_is_told_how_to_keep_it(recipe, monkeypatch):
    said = []
    monkeypatch.setattr(family.logger, "warning_once", said.append)
    model, processor = build_family("qwen2_vl")
    build_adapter(processor, model.config, load(recipe))
    assert "model.template=auto model.system_prompt=null" in said[0]
    said.clear()
    adapter = build_adapter(processor, model.config, load(recipe, template="auto", system_prompt="null"))
    assert said == []
    assert adapter.settings == ModelSettings("tiny")
