"""Conversations with the model's own answers, several samples of one question, and the protocols by name."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from errata.errors import ConfigError, ModelError
from errata.generation import PROTOCOLS, GenerationSettings, build_settings, repeat_questions
from errata.generation.local import generate
from errata.models import ModelSettings, load_model, quiet_transformers
from errata.pipelines.answering.answer import answer_file
from errata.records import Question, Turn, read_answers, write_questions
from tiny_families import build_family
from tiny_models import save_images, save_tiny_model

FOLLOWUPS = ("Is there a dog?", "Describe the picture.")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    save_images(folder, 3)
    save_tiny_model(folder / "tiny")
    return folder


@pytest.fixture(scope="module")
def loaded(place):
    return load_model(ModelSettings(str(place / "tiny")))


def ask(name, text, *followups, images=("image0.png",)):
    return Question(name, images, (Turn("user", text),), followups=tuple(followups))


@pytest.mark.parametrize("options", [{}, {"num_beams": 2}, {"batch_size": 2}])
def test_every_round_is_asked_after_the_model_s_own_answer(loaded, place, options):
    settings = GenerationSettings(max_tokens=8, **options)
    questions = [
        ask("long", "What is on the table?", *FOLLOWUPS),
        ask("one", "Dog?", images=("image1.png",)),
        ask("two", "Two people?", FOLLOWUPS[1], images=("image0.png", "image2.png")),
        ask("text", "A cat?", *FOLLOWUPS, images=()),
    ]
    answers = generate(loaded, questions, settings, image_root=place)
    assert [len(answer.rounds) for answer in answers] == [3, 1, 2, 3]
    for question, answer in zip(questions, answers, strict=True):
        turns = question.prompt
        for said, followup in zip(answer.rounds, (*question.followups, None), strict=True):
            by_hand = generate(loaded, [Question("q", question.images, turns)], settings, image_root=place)[0]
            assert said == by_hand.text
            turns = (*turns, Turn("assistant", said), Turn("user", followup or ""))
    other = generate(loaded, [ask("other", "Describe the picture.", *FOLLOWUPS)], settings, image_root=place)[0]
    assert other.earlier[1] != answers[0].earlier[1], "the history has to matter"


def test_sampled_rounds_are_the_same_after_a_stop(loaded, place, tmp_path):
    settings = GenerationSettings(max_tokens=6, temperature=1.0, batch_size=2)
    questions = [ask(f"q{n}", "What?", *FOLLOWUPS, images=(f"image{n}.png",)) for n in range(3)]
    whole = generate(loaded, questions, settings, image_root=place, out=tmp_path / "whole.jsonl")
    lines = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "whole.jsonl").write_text(lines[2] + lines[0])
    assert generate(loaded, questions, settings, image_root=place, out=tmp_path / "whole.jsonl") == whole
    assert (tmp_path / "whole.jsonl").read_text() == "".join(lines)
    assert read_answers(tmp_path / "whole.jsonl") == whole


def test_an_answer_that_cannot_be_told_back_ends_the_conversation(loaded, place, monkeypatch):
    monkeypatch.setattr(type(loaded.adapter), "decode", lambda self, tokens: "an <image> token")
    settings = GenerationSettings(max_tokens=3)
    first, second = generate(
        loaded, [ask("stuck", "What?", *FOLLOWUPS), ask("fine", "What?")], settings, image_root=place
    )
    assert first.rounds == ("an <image> token",)
    assert "<image>" in first.meta["stopped"]
    assert not first.finished
    assert "stopped" not in second.meta


def test_samples_differ_and_say_what_they_are_of(loaded, place):
    settings = GenerationSettings(max_tokens=8, temperature=1.2, seed=3)
    asked = repeat_questions([ask("a", "What?"), ask("b", "Dog?")], 4, settings)
    answers = generate(loaded, asked, settings, image_root=place)
    assert [answer.id for answer in answers] == [f"{name}#{n}" for name in "ab" for n in (1, 2, 3, 4)]
    assert answers[5].meta == {"sample_of": "b", "sample": 2}
    assert len({answer.text for answer in answers[:4]}) > 1
    assert answers == generate(loaded, asked, settings, image_root=place)
    with pytest.raises(ConfigError, match="temperature"):
        repeat_questions(asked, 2, GenerationSettings())
    with pytest.raises(ConfigError, match="at least 1"):
        repeat_questions(asked, 0, settings)


def test_no_ngram_occurs_twice(loaded, place, monkeypatch):
    written = []
    monkeypatch.setattr(type(loaded.adapter), "decode", lambda self, tokens: written.append(tokens) or "")
    for size in (0, 2):
        settings = GenerationSettings(max_tokens=120, temperature=0.3, no_repeat_ngram_size=size)
        generate(loaded, [ask("a", "What?")], settings, image_root=place)
    free, bound = (list(pairwise(tokens)) for tokens in written)
    assert len(set(bound)) == len(bound)
    assert len(set(free)) < len(free)


def test_protocols_are_those_of_the_papers():
    assert set(PROTOCOLS) == {"rlhfv", "rlaifv", "amp"}
    rlhfv, rlaifv, amp = (PROTOCOLS[name] for name in ("rlhfv", "rlaifv", "amp"))
    assert (rlhfv.num_beams, rlhfv.max_tokens, rlhfv.repetition_penalty) == (3, 1024, 1.1)
    assert rlaifv == replace(rlhfv, repetition_penalty=1.0)
    assert (amp.num_beams, amp.max_tokens, amp.no_repeat_ngram_size, amp.image_mode) == (4, 512, 5, "pad")
    assert all(settings.temperature == 0 for settings in PROTOCOLS.values())
    assert build_settings("amp", max_tokens=16, seed=None) == replace(amp, max_tokens=16)
    assert build_settings(num_beams=2) == GenerationSettings(num_beams=2)
    with pytest.raises(ConfigError, match="rlhfv"):
        build_settings("rlhf-v")


def test_amp_pads_images_and_says_where_it_cannot(loaded, place, tmp_path):
    write_questions(tmp_path / "q.jsonl", [ask("a", "What?")])
    settings = build_settings("amp", max_tokens=4)
    with pytest.raises(ConfigError, match="image_mode"):
        generate(loaded, [ask("a", "What?")], settings, image_root=place)
    out = tmp_path / "a.jsonl"
    answered = answer_file(str(place / "tiny"), tmp_path / "q.jsonl", out, image_root=place, settings=settings)
    assert len(answered.answers) == 1
    assert '"image_mode": "pad"' in (tmp_path / "a.jsonl.run.json").read_text()


def test_amp_on_a_family_without_padding_is_named(tmp_path):
    for part in build_family("qwen2_vl"):
        part.save_pretrained(tmp_path / "qwen")
    write_questions(tmp_path / "q.jsonl", [ask("a", "What?", images=())])
    with pytest.raises(ModelError, match=r"LLaVA-1\.5"):
        answer_file(str(tmp_path / "qwen"), tmp_path / "q.jsonl", tmp_path / "a.jsonl", settings=build_settings("amp"))


def test_a_base_with_another_s_adapter_is_one_name(loaded, place, tmp_path):
    from peft import LoraConfig, get_peft_model

    model = load_model(ModelSettings(str(place / "tiny"))).model
    with quiet_transformers():
        adapted = get_peft_model(model, LoraConfig(target_modules=["q_proj", "v_proj"], init_lora_weights=False))
        adapted.save_pretrained(str(tmp_path / "adapter"))
    together = load_model(ModelSettings(f"{place / 'tiny'}+{tmp_path / 'adapter'}"))
    assert together.name == f"{place / 'tiny'}+{tmp_path / 'adapter'}"
    settings, asked = GenerationSettings(max_tokens=12), [ask("a", "What?"), ask("b", "Describe the picture.")]
    found = [answer.text for answer in generate(together, asked, settings, image_root=place)]
    alone = load_model(ModelSettings(str(tmp_path / "adapter")))
    assert found == [answer.text for answer in generate(alone, asked, settings, image_root=place)]
    assert found != [answer.text for answer in generate(loaded, asked, settings, image_root=place)]
    with pytest.raises(ModelError, match="adapter"):
        load_model(ModelSettings(f"{place / 'tiny'}+{tmp_path / 'none'}"))
