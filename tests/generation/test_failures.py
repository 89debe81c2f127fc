"""One question that a model cannot be asked costs no other: it is named with the reason, and asked again next time."""

from __future__ import annotations

import json

import pytest
import torch
from PIL import Image

from errata.cli import main
from errata.errors import DataError, ModelError
from errata.generation import GenerationSettings
from errata.generation.local import generate
from errata.generation.local.decoding import Decoder
from errata.judges import JudgeFailure
from errata.judges.local.judge import LocalJudge
from errata.models import ModelSettings, load_model
from errata.records import Question, Turn, read_answers, write_questions
from tiny_families import build_family
from tiny_models import save_images, save_tiny_model

SETTINGS = GenerationSettings(max_tokens=4)


def save_family(family, folder):
    model, processor = build_family(family)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("failures")
    save_images(root, 3)
    save_family("qwen2_5_vl", root / "qwen")
    save_tiny_model(root / "llava")
    Image.new("RGB", (900, 4)).save(root / "banner.png")
    Image.new("RGB", (1, 300)).save(root / "line.png")
    (root / "damaged.png").write_bytes((root / "image0.png").read_bytes()[:60])
    (root / "document.png").write_bytes(b"%PDF-1.4\n")
    return root


def ask(name, image, text="What is it?"):
    return Question(name, (image,), (Turn("user", text),))


GOOD = [ask("good 1", "image0.png"), ask("good 2", "image1.png", "Is there a dog?"), ask("good 3", "image2.png")]
BAD = {
    "banner": (ask("banner", "banner.png"), "banner.png: 900 x 4 pixels; expected a longer side of at most 200 times"),
    "line": (ask("line", "line.png"), "line.png: 1 x 300 pixels"),
    "damaged": (ask("damaged", "damaged.png"), "damaged.png: "),
    "document": (ask("document", "document.png"), "a PDF document"),
    "gone": (ask("gone", "gone.png"), "gone.png: "),
    "token": (ask("token", "image0.png", "What is </s> here?"), "the token '</s>'"),
}


@pytest.mark.parametrize("family", ["qwen", "llava"])
def test_the_others_are_answered_as_without_it(place, family):
    loaded = load_model(ModelSettings(str(place / family)))
    failed = {}
    asked = [GOOD[0], *(question for question, _ in BAD.values()), *GOOD[1:]]
    answers = generate(loaded, asked, SETTINGS, image_root=place, on_failure=failed.setdefault)
    assert answers == generate(loaded, GOOD, SETTINGS, image_root=place)
    assert failed.keys() == BAD.keys()
    for name, (_, words) in BAD.items():
        assert f"question {name!r}: " in str(failed[name])
        assert words in str(failed[name])


@pytest.mark.parametrize("name", BAD)
def test_without_somebody_to_tell_the_first_one_raises(place, name):
    with pytest.raises(DataError, match=f"question '{name}'"):
        generate(load_model(ModelSettings(str(place / "qwen"))), [*GOOD, BAD[name][0]], SETTINGS, image_root=place)


def test_of_a_batch_that_fails_each_is_asked_alone(place, monkeypatch):
    """Whatever the model meets in one of them: a token without an embedding, a GPU without room."""
    write = Decoder.write

    def refuse(self, batch, seed):
        if any(prompt.question.id == "good 2" for prompt in batch):
            raise torch.OutOfMemoryError("no room")
        return write(self, batch, seed)

    loaded = load_model(ModelSettings(str(place / "llava")))
    whole = generate(loaded, GOOD, SETTINGS, image_root=place)
    monkeypatch.setattr(Decoder, "write", refuse)
    failed = {}
    answers = generate(loaded, GOOD, SETTINGS, image_root=place, on_failure=failed.setdefault)
    assert answers == [whole[0], whole[2]]
    assert "no room" in str(failed["good 2"])


def test_a_prompt_without_room_for_an_answer_is_named(place, tmp_path):
    config = json.loads((place / "qwen" / "config.json").read_text(encoding="utf-8"))
    config["text_config"]["max_position_embeddings"] = 80
    for path in (place / "qwen").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    failed = {}
    long = ask("long", "image0.png", "What is it? " * 20)
    loaded = load_model(ModelSettings(str(tmp_path)))
    assert len(generate(loaded, [GOOD[0], long], SETTINGS, image_root=place, on_failure=failed.setdefault)) == 1
    assert "fewer than 80 positions, all that the model numbers (max_position_embeddings)" in str(failed["long"])
    assert "smaller images by generation.max_pixels" in str(failed["long"])


@pytest.mark.parametrize("best_of", [[], ["--best-of", "2", "--temperature", "1", "--base"]])
def test_generate_names_them_and_asks_again(place, tmp_path, capsys, best_of):
    root, out = tmp_path / "images", tmp_path / "answers.jsonl"
    root.mkdir()
    for name in ("image0.png", "image1.png", "image2.png", "banner.png"):
        (root / name).write_bytes((place / name).read_bytes())
    write_questions(root / "questions.jsonl", [*GOOD, BAD["banner"][0]])
    base = [str(place / "qwen")] if best_of else []
    command = ["generate", str(place / "qwen"), str(root / "questions.jsonl"), "--max-tokens", "3", *best_of, *base]
    assert main([*command, "--out", str(out)]) == 3
    said = capsys.readouterr().err
    assert "1 question without an answer" in said
    assert "900 x 4 pixels" in said
    assert [answer.id for answer in read_answers(out)] == [question.id for question in GOOD]
    (row,) = map(json.loads, (tmp_path / "answers.jsonl.failed.jsonl").read_text(encoding="utf-8").splitlines())
    assert (row["id"], "900 x 4 pixels" in row["reason"]) == ("banner", True)
    Image.new("RGB", (60, 40)).save(root / "banner.png")
    assert main([*command, "--out", str(out)]) == 0
    assert len(read_answers(out)) == 4
    assert not (tmp_path / "answers.jsonl.failed.jsonl").exists()


def test_where_none_can_be_answered_the_first_reason_is_the_error(place, tmp_path, capsys):
    write_questions(place / "bad.jsonl", [BAD["banner"][0], BAD["document"][0]])
    out = str(tmp_path / "answers.jsonl")
    assert main(["generate", str(place / "qwen"), str(place / "bad.jsonl"), "--out", out]) == 2
    assert "question 'banner': banner.png: 900 x 4 pixels" in capsys.readouterr().err


def test_eval_scores_the_others_and_says_so(place, tmp_path, capsys):
    objects = {"image0.png": ["dog", "cat"], "image1.png": ["car", "cup"], "banner.png": ["dog", "chair"]}
    rows = [{"image": name, "objects": listed} for name, listed in objects.items()]
    (place / "annotations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = ["eval", str(place / "qwen"), "--benchmarks", "chair", "--max-tokens", "3", "--out", str(tmp_path)]
    assert main([*command, "--annotations", str(place / "annotations.jsonl")]) == 3
    assert "2 of 3 answered" in capsys.readouterr().out
    assert "900 x 4 pixels" in (tmp_path / "answers" / "chair.jsonl.failed.jsonl").read_text(encoding="utf-8")


def test_a_tokenizer_that_fails_on_a_text_is_that_text_s_fault(place, monkeypatch):
    adapter = load_model(ModelSettings(str(place / "llava"))).adapter

    def fail(*_):
        raise TypeError("not a text")

    monkeypatch.setattr(adapter._chat, "encode_prompt", fail)
    with pytest.raises(DataError, match=r"prompt: it fails: .*not a text; expected a text that the model's tokenizer"):
        adapter.encode_prompt([Turn("user", "What?")], [])


def test_a_processor_that_fails_on_an_image_is_that_image_s_fault(place, monkeypatch):
    adapter = load_model(ModelSettings(str(place / "qwen"))).adapter

    def fail(*_, **__):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(type(adapter._processor.image_processor), "__call__", fail)
    with pytest.raises(DataError, match=r"image: 30 x 20 pixels, of which it says: .*division by zero"):
        adapter.encode_image(Image.new("RGB", (30, 20)))


def test_a_model_s_own_fault_stays_its_own(place):
    adapter = load_model(ModelSettings(str(place / "llava"))).adapter
    adapter._processor.image_processor.do_center_crop = False
    with pytest.raises(ModelError, match="as the vision tower takes them"):
        adapter.encode_image(Image.new("RGB", (300, 20)))


class Call:
    def __init__(self, image):
        self.images = (image,)
        self.prompt = type("Prompt", (), {"max_tokens": 3})


def test_a_local_judge_fails_only_where_it_cannot_look(place, monkeypatch):
    from errata.judges.backend import JudgeRequest, Parameters

    names = ("image0.png", "banner.png", "document.png")
    requests = [JudgeRequest(name, Call(place / name), "What?", 0, 0, Parameters(), 3) for name in names]
    outcomes = {}
    LocalJudge(f"local:{place / 'qwen'}").ask(requests, lambda reply: outcomes.setdefault(reply.key, reply))
    assert not isinstance(outcomes["image0.png"], JudgeFailure)
    assert "900 x 4 pixels" in outcomes["banner.png"].reason
    assert "a PDF document" in outcomes["document.png"].reason


def test_a_local_judge_sees_pictures_within_its_limit(place):
    judge = LocalJudge(f"local:{place / 'qwen'}", max_pixels=512)
    assert judge._loaded.adapter.settings.max_pixels == 512
