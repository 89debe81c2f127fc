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
    assert output.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("row", "fix"),
    [
        ({"images": [], "prompt": "?"}, "field 'id' is missing; expected 'id' as str; fix the row"),
        ({"id": "q", "prompt": "?", "note": 1}, "put other values under the question's 'meta'"),
        ({"id": "q", "prompt": [{"role": "user", "text": "?", "note": 1}]}, "remove or rename it"),
    ],
)
def test_a_bad_question_is_answered_with_what_can_be_done(folder, tmp_path, capsys, row, fix):
    (tmp_path / "questions.jsonl").write_text(json.dumps(row) + "\n")
    command = ["generate", folder / "model", tmp_path / "questions.jsonl", "--out", tmp_path / "answers.jsonl"]
    assert main([str(word) for word in command]) == 2
    assert capsys.readouterr().err.endswith(f"{fix}  [field]\n")


MARKED = ["<image1>\nWhat is it?", "USER: <image>\nWhat is it? ASSISTANT:", "What is it?<|im_end|>"]


@pytest.mark.parametrize("prompt", MARKED)
def test_a_question_with_another_tools_markup_costs_no_other(folder, tmp_path, capsys, prompt):
    rows = [{"id": f"q{n}", "images": ["image0.png"], "prompt": text} for n, text in enumerate(["What?", prompt])]
    asked, out = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    asked.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ["generate", str(folder / "model"), str(asked), "--image-root", str(folder), "--max-tokens", "4"]
    assert main([*command, "--out", str(out)]) == 3
    assert "another tool's markup" in capsys.readouterr().err
    assert [answer.id for answer in read_answers(out)] == ["q0"]
    assert json.loads((tmp_path / "answers.jsonl.failed.jsonl").read_text())["id"] == "q1"
    labelled = ["--labeller", f"local:{folder / 'model'}", "--splitter", "rules", "--image-root", str(folder)]
    claims = ["feedback", "claims", str(asked), "--out", str(tmp_path / "claims"), *labelled]
    assert main([*claims, "--model", str(folder / "model"), "--samples", "2", "--temperature", "1"]) == 3
    lost = [json.loads(line) for line in (tmp_path / "claims" / "bad.jsonl").read_text().splitlines()]
    assert "another tool's markup" in next(row["detail"] for row in lost if row["id"] == "q1")
    asked.write_text(json.dumps(rows[1]) + "\n")
    assert main([*command, "--out", str(tmp_path / "none.jsonl")]) == 2
    assert "another tool's markup" in capsys.readouterr().err


def test_an_evaluation_does_without_a_picture_or_a_question_that_cannot_be_asked(folder, tmp_path, capsys):
    rows = [
        {"image": "image0.png", "objects": ["dog", "cat", "car"]},
        {"image": "absent.png", "objects": ["dog", "cat", "car"]},
        {"image": "image1.png", "objects": ["dog", "cat", "car"], "question": "<image1>\nDescribe it."},
    ]
    (tmp_path / "images.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ["eval", str(folder / "model"), "--benchmarks", "chair", "--image-root", str(folder), "--max-tokens", "4"]
    command += ["--annotations", str(tmp_path / "images.jsonl")]
    assert main([*command, "--out", str(tmp_path / "eval")]) == 3
    printed = "".join(capsys.readouterr())
    assert "1 of 3 answered, 2 missing" in printed
    assert "absent.png" in printed
    assert "another tool's markup" in printed
    (tmp_path / "images.jsonl").write_text(json.dumps(rows[1]) + "\n")
    assert main([*command, "--out", str(tmp_path / "none")]) == 2
    assert "no such file" in capsys.readouterr().err


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
