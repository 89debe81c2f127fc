"""A model that thinks has room for its thoughts; one that does not ends where it would."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
import torch

from errata.errors import ConfigError, ModelError
from errata.generation import GenerationSettings
from errata.generation.local import decoding, generate
from errata.generation.local.thinking import ThinkingRoom, read_tokens
from errata.models import ModelSettings, load_model
from errata.pipelines.answering.answer import answer_file
from errata.records import Question, Turn, write_questions
from errata.text import split_reasoning
from tiny_models import save_tiny_model

WORDS = {1: "<think>", 2: "hm ", 3: "</think>", 4: "yes "}


def read(tokens: Sequence[int]) -> str:
    return "".join(WORDS[token] for token in tokens)


def count_written(script: Sequence[int], limit: int, mark: str = "") -> int:
    """Tokens after which a row that would write `script` is over."""
    room = ThinkingRoom(3, [mark], read, limit)
    for written in range(1, len(script) + 1):
        ids = torch.tensor([[0, 0, 0, *script[:written]]])
        if bool(room(ids, None)[0]):
            return written
    return len(script)


@pytest.mark.parametrize("thoughts", [1, 2, 3, 7, 30, 45])
def test_the_limit_is_that_of_the_answer(thoughts):
    script = [1, *[2] * (thoughts - 1), 3, *[4] * 100]
    assert count_written(script, 5) == thoughts + 1 + 5
    assert count_written([2] * thoughts + [3] + [4] * 100, 5, mark="<think>") == thoughts + 1 + 5


def test_a_row_that_does_not_think_ends_at_the_limit_and_one_that_never_ends_has_all_room():
    assert count_written([4] * 50, 5) == 5
    assert count_written([1] + [2] * 49, 5) == 50


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    return load_model(ModelSettings(str(save_tiny_model(tmp_path_factory.mktemp("model") / "tiny"))))


SWITCHED = (
    "{% for m in messages %}{{ m.role }}: {% for part in m.content %}"
    "{{ part.text if part.type == 'text' else '<image>' }}{% endfor %}</s>{% endfor %}"
    "{% if add_generation_prompt %}assistant: "
    "{% if enable_thinking is defined and not enable_thinking %}<no>{% endif %}{% endif %}"
)

ASKED = [Question("q", (), (Turn("user", "Is there a dog?"),))]


def test_a_loaded_model_is_given_the_room(loaded, monkeypatch):
    plain = generate(loaded, ASKED, GenerationSettings(max_tokens=6, thinking_tokens=0))
    assert generate(loaded, ASKED, GenerationSettings(max_tokens=6)) == plain

    def think(_: object, tokens: Sequence[int]) -> str:
        return (
            "<think>" + "hm " * len(tokens) if len(tokens) < 20 else "<think>hm</think>" + "yes " * (len(tokens) - 20)
        )

    monkeypatch.setattr(decoding, "read_tokens", think)
    monkeypatch.setattr(decoding, "read_all", think)
    (answer,) = generate(loaded, ASKED, GenerationSettings(max_tokens=6))
    told = split_reasoning(answer.text)
    assert (told.finished, told.answer.split()) == (True, ["yes"] * 6)
    (short,) = generate(loaded, ASKED, GenerationSettings(max_tokens=6, thinking_tokens=8))
    assert not split_reasoning(short.text).finished


def test_the_mark_that_a_prompt_ends_with_begins_the_answer(loaded, monkeypatch):
    monkeypatch.setattr(decoding, "find_mark", lambda *_: "<think>")
    (answer,) = generate(loaded, ASKED, GenerationSettings(max_tokens=6, thinking_tokens=4))
    assert answer.text.startswith("<think>\n")
    assert not split_reasoning(answer.text).finished


def test_special_marks_of_thoughts_are_read(loaded):
    tokenizer = loaded.processor.tokenizer
    assert read_tokens(loaded, tokenizer("a dog")["input_ids"]) == loaded.adapter.decode(
        tokenizer("a dog")["input_ids"]
    )


def test_less_than_no_room_is_refused():
    with pytest.raises(ConfigError, match="thinking_tokens"):
        GenerationSettings(thinking_tokens=-1)


def test_the_template_is_told_whether_to_think(tmp_path):
    """Where it asks; a model whose template does not ask is refused, as the setting would do nothing."""
    folder = save_tiny_model(tmp_path / "switched", chat_template=SWITCHED)
    write_questions(tmp_path / "questions.jsonl", ASKED)

    def ask(folder):
        settings = GenerationSettings(max_tokens=2, thinking=False)
        return answer_file(str(folder), tmp_path / "questions.jsonl", tmp_path / "a.jsonl", settings=settings)

    with pytest.raises(ModelError, match=r"model\.thinking: false; expected nothing"):
        ask(save_tiny_model(tmp_path / "plain"))
    ask(folder)
    assert json.loads((tmp_path / "a.jsonl.run.json").read_text(encoding="utf-8"))["encoding"]["thinking"] is False
    prompts = [
        load_model(ModelSettings(str(folder), thinking=thinking)).adapter.encode_prompt(ASKED[0].prompt, []).text
        for thinking in (False, True, None)
    ]
    assert [prompt.endswith("<no>") for prompt in prompts] == [True, False, False]
