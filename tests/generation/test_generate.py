"""A batch answers as one question alone would, the same every time, and a cut run goes on where it was."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest
import torch

from errata.errors import ConfigError, DataError
from errata.generation import GenerationSettings
from errata.generation.local import generate
from errata.models import ModelSettings, load_model
from errata.records import Question, Turn, read_answers
from errata.trees import enable_tree_attention
from tiny_models import save_images, save_tiny_model


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    save_images(folder, 3)
    return folder


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    return load_model(ModelSettings(str(save_tiny_model(tmp_path_factory.mktemp("model") / "tiny"))))


@pytest.fixture(scope="module")
def questions():
    words = [
        "What?",
        "Is there a cat in the image?",
        "Describe the picture on the wooden table.",
        "Dog?",
        "Two people?",
    ]
    asked = [Question(f"q{n}", (f"image{n % 3}.png",), (Turn("user", text),)) for n, text in enumerate(words)]
    asked.append(Question("text", (), (Turn("user", "Is there a dog?"),)))
    asked.append(Question("two", ("image0.png", "image2.png"), (Turn("user", "<image> or <image>?"),)))
    return asked


def texts(answers):
    return [(answer.id, answer.text, answer.finished) for answer in answers]


@pytest.mark.parametrize("options", [{}, {"num_beams": 3}, {"repetition_penalty": 1.3}])
def test_a_batch_equals_one_by_one(loaded, questions, place, options):
    together = generate(loaded, questions, GenerationSettings(max_tokens=12, **options), image_root=place)
    alone = GenerationSettings(max_tokens=12, batch_size=1, **options)
    assert texts(together) == texts(generate(loaded, questions, alone, image_root=place))
    assert len({answer.text for answer in together}) > 3


def test_greedy_equals_the_model_itself(loaded, questions, place):
    from PIL import Image

    inputs = loaded.processor(
        text="USER: <image>\nWhat? ASSISTANT:", images=[Image.open(place / "image0.png")], return_tensors="pt"
    )
    output = loaded.model.generate(**inputs, max_new_tokens=12, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    loaded.model.generation_config.repetition_penalty = 5.0  # what comes with the model is not used
    own = generate(loaded, questions[:1], GenerationSettings(max_tokens=12), image_root=place)[0]
    loaded.model.generation_config.repetition_penalty = None
    assert own.text == loaded.processor.tokenizer.decode(output, skip_special_tokens=True).strip()


def test_tree_attention_and_training_mode_change_nothing(loaded, questions, place):
    settings = GenerationSettings(max_tokens=12)
    before = generate(loaded, questions, settings, image_root=place)
    enable_tree_attention(loaded.model, loaded.adapter)
    loaded.model.train()
    after = generate(loaded, questions, settings, image_root=place)
    assert loaded.model.training
    loaded.model.eval()
    loaded.model.set_attn_implementation("sdpa")
    assert texts(before) == texts(after)


def test_a_seed_gives_the_same_answers(loaded, questions, place):
    def ask(seed):
        settings = GenerationSettings(max_tokens=12, temperature=1.0, top_p=0.9, seed=seed, batch_size=3)
        return texts(generate(loaded, questions, settings, image_root=place))

    assert ask(1) == ask(1)
    assert ask(1) != ask(2)


def test_a_cut_run_goes_on(loaded, questions, place, tmp_path):
    settings = GenerationSettings(max_tokens=12, temperature=1.0, batch_size=2)
    whole = generate(loaded, questions, settings, image_root=place)
    out = tmp_path / "answers.jsonl"

    class StopError(Exception):
        pass

    def stop(done, total, tokens):
        if done >= 4:
            raise StopError

    with pytest.raises(StopError):
        generate(loaded, questions, settings, image_root=place, out=out, on_progress=stop)
    data = out.read_bytes()
    out.write_bytes(data[:-10])  # a kill in the middle of a line
    seen = []
    again = generate(
        loaded,
        questions,
        settings,
        image_root=place,
        out=out,
        on_progress=lambda done, total, tokens: seen.append((done, total)),
    )
    assert texts(again) == texts(whole)
    assert seen == [(3, 7), (4, 7), (6, 7), (7, 7)]
    assert sorted(texts(read_answers(out))) == sorted(texts(whole))
    assert generate(loaded, questions, settings, image_root=place, out=out) == again


def test_a_file_of_another_run_is_not_continued(loaded, questions, place, tmp_path):
    out = tmp_path / "answers.jsonl"
    generate(loaded, questions, GenerationSettings(max_tokens=2), image_root=place, out=out)
    with pytest.raises(ConfigError, match="another run"):
        generate(loaded, questions, GenerationSettings(max_tokens=3), image_root=place, out=out)
    with pytest.raises(ConfigError, match="another run"):
        generate(loaded, questions[:2], GenerationSettings(max_tokens=2), image_root=place, out=out)
    (tmp_path / "answers.jsonl.run.json").unlink()
    with pytest.raises(ConfigError, match=r"no answers\.jsonl\.run\.json"):
        generate(loaded, questions, GenerationSettings(max_tokens=2), image_root=place, out=out)


def test_bad_input_is_named(loaded, questions, place, tmp_path):
    settings = GenerationSettings(max_tokens=2)
    with pytest.raises(DataError, match=r"question 'bad'.*absent\.png"):
        generate(loaded, [Question("bad", ("absent.png",), questions[0].prompt)], settings, image_root=place)
    with pytest.raises(DataError, match="same id"):
        generate(loaded, [questions[0]] * 2, settings, image_root=place)
    with pytest.raises(ConfigError, match="temperature"):
        GenerationSettings(temperature=-1)
    (tmp_path / "bad.jsonl").write_text(json.dumps({"id": "a", "txt": "b"}) + "\n")
    with pytest.raises(DataError, match=r"bad\.jsonl:1"):
        read_answers(tmp_path / "bad.jsonl")
    assert generate(loaded, [], settings) == []


def test_answers_end_at_the_end_token(loaded, questions, place):
    cut = generate(loaded, questions, GenerationSettings(max_tokens=1), image_root=place)
    assert not any(answer.finished for answer in cut)
    long = generate(loaded, questions, GenerationSettings(max_tokens=300, temperature=1.5), image_root=place)
    assert any(answer.finished for answer in long)
    assert all("</s>" not in answer.text and answer.model == loaded.name for answer in long)


def test_other_weights_under_the_same_name_are_another_run(loaded, questions, place, tmp_path):
    out, settings = tmp_path / "answers.jsonl", GenerationSettings(max_tokens=2)
    generate(loaded, questions, settings, image_root=place, out=out)
    retrained = copy.deepcopy(loaded.model)
    with torch.no_grad():
        retrained.lm_head.weight.mul_(1.5)
    with pytest.raises(ConfigError, match="weights was"):
        generate(replace(loaded, model=retrained), questions, settings, image_root=place, out=out)
