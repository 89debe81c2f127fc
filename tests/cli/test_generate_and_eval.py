"""`errata generate` and `errata eval` with a tiny random model on real image files."""

from __future__ import annotations

import json

import pytest

from errata.cli import main
from errata.records import Question, Turn, read_answers, write_questions
from tiny_models import save_images, save_tiny_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiny")
    save_tiny_model(root / "model")
    names = save_images(root, 3)
    questions = [Question(f"q{number}", (name,), (Turn("user", "What is it?"),)) for number, name in enumerate(names)]
    write_questions(root / "questions.jsonl", questions)
    objects = [["dog", "cat", "car"], ["person", "chair", "cup"]]
    rows = [{"image": name, "objects": listed} for name, listed in zip(names, objects, strict=False)]
    (root / "images.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


def test_generate_writes_answers_and_continues(folder, tmp_path, capsys):
    out = tmp_path / "answers.jsonl"
    command = [
        "generate",
        str(folder / "model"),
        str(folder / "questions.jsonl"),
        "--out",
        str(out),
        "--max-tokens",
        "5",
    ]
    assert main(command) == 0
    assert f": {out}" in capsys.readouterr().out
    answers = read_answers(out)
    assert {answer.id for answer in answers} == {"q0", "q1", "q2"}
    out.write_text(out.read_text().splitlines()[0] + "\n")
    assert main(command) == 0
    assert sorted(read_answers(out), key=lambda answer: answer.id) == sorted(answers, key=lambda answer: answer.id)
    assert main([*command[:-1], "4"]) == 2
    assert "--fresh" in capsys.readouterr().err
    assert main([*command[:-1], "4", "--fresh"]) == 0


def test_eval_prints_metrics_and_writes_a_result_folder(folder, tmp_path, capsys):
    out = tmp_path / "eval"
    command = ["eval", str(folder / "model"), "--annotations", str(folder / "images.jsonl"), "--out", str(out)]
    assert main([*command, "--max-tokens", "4"]) == 0
    output = capsys.readouterr().out
    assert output.splitlines()[-1] == f"results: {out / 'results.json'}"
    assert "pope-adversarial" in output
    assert "quoted" not in output, "published figures are about other images"
    first = (out / "results.json").read_text()
    assert json.loads(first)["published"] == []
    assert main([*command, "--max-tokens", "4"]) == 0
    assert (out / "results.json").read_text() == first


@pytest.mark.parametrize(
    "change",
    [
        {"model": "none"},
        {"questions.jsonl": "none.jsonl"},
        {"questions.jsonl": "/dev/null"},
        {"--max-tokens": "0"},
        {"--temperature": "inf"},
        {"--image-root": "none"},
    ],
)
def test_bad_input_is_an_error_with_a_way_out(folder, tmp_path, change, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    options = {"--out": str(tmp_path / "a.jsonl"), "--max-tokens": "2"} | {
        k: v for k, v in change.items() if k[0] == "-"
    }
    positional = [change.get(name, name) for name in ("model", "questions.jsonl")]
    assert main(["generate", *positional, *(part for pair in options.items() for part in pair)]) == 2
    output = capsys.readouterr().err
    assert output.startswith("error: ")
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("row", "fix"),
    [
        ({"images": [], "prompt": "?"}, "field 'id' is missing; expected 'id' as str; fix the row\n"),
        ({"id": "q", "prompt": "?", "note": 1}, "put other values under the question's 'meta'\n"),
        ({"id": "q", "prompt": [{"role": "user", "text": "?", "note": 1}]}, "remove or rename it\n"),
    ],
)
def test_a_bad_question_is_answered_with_what_can_be_done(folder, tmp_path, capsys, row, fix):
    (tmp_path / "questions.jsonl").write_text(json.dumps(row) + "\n")
    command = ["generate", folder / "model", tmp_path / "questions.jsonl", "--out", tmp_path / "answers.jsonl"]
    assert main([str(word) for word in command]) == 2
    assert capsys.readouterr().err.endswith(fix)


MARKED = ["<image1>\nWhat is it?", "USER: <image>\nWhat is it? ASSISTANT:", "What is it?<|im_end|>"]


@pytest.mark.parametrize("prompt", MARKED)
def test_questions_with_another_tools_markup_are_refused_before_a_model_loads(folder, tmp_path, capsys, prompt):
    rows = [
        {"id": f"q{n}", "images": ["image0.png"], "prompt": text} for n, text in enumerate(["What?", prompt, prompt])
    ]
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = str(tmp_path / "questions.jsonl")
    labelled = ["--labeller", "openai:x@http://127.0.0.1:9", "--out", str(tmp_path / "claims")]
    for command in (
        ["generate", "none", asked, "--out", str(tmp_path / "answers.jsonl")],
        ["generate", "openai:x@http://127.0.0.1:9", asked, "--out", str(tmp_path / "answers.jsonl")],
        ["feedback", "claims", asked, "--model", "none", "--splitter", "rules", *labelled],
    ):
        assert main(command) == 2
        error = capsys.readouterr().err
        assert "question 'q1'" in error
        assert "(and in 1 question more)" in error
        assert "another tool's markup" in error
    assert not (tmp_path / "answers.jsonl").exists()


def test_annotated_images_with_a_rendered_question_are_refused(folder, tmp_path, capsys):
    row = {"image": "image0.png", "objects": ["dog", "cat", "car"], "question": "<image1>\nDescribe it."}
    (tmp_path / "images.jsonl").write_text(json.dumps(row) + "\n")
    command = ["eval", "none", "--benchmarks", "chair", "--annotations", str(tmp_path / "images.jsonl")]
    assert main([*command, "--image-root", str(folder), "--out", str(tmp_path / "eval")]) == 2
    assert "another tool's markup" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["generate", "eval"])
def test_the_best_of_several_samples(folder, tmp_path, capsys, verb):
    out = tmp_path / "out"
    what = [str(folder / "questions.jsonl")] if verb == "generate" else ["--annotations", str(folder / "images.jsonl")]
    command = [verb, str(folder / "model"), *what, "--out", str(out), "--max-tokens", "4"]
    chosen = ["--best-of", "2", "--base", str(folder / "model"), "--temperature", "1"]
    chosen += ["--benchmarks", "chair"] if verb == "eval" else []
    assert main([*command, *chosen, "--reward", "self", "--reward-normalise", "none"]) == 0
    if verb == "generate":
        assert "3 answers, each the best of 2 samples" in capsys.readouterr().out
    answers = read_answers(out if verb == "generate" else out / "answers" / "chair.jsonl")
    assert [answer.meta["rewards"] for answer in answers] == [[0.0, 0.0]] * len(answers)
    assert main([*command, "--base", "x", "--reward-normalise", "none"]) == 2
    assert "--base and --reward-normalise: none; expected --best-of N" in capsys.readouterr().err
