"""The main job on real photos and texts, each step as a user would type it; the model's weights are random."""

from __future__ import annotations

import json

import pytest

from annotated_photos import photo_records, write_annotations, write_photos_jsonl, write_photos_rlhfv
from errata.cli import main
from errata.records import Question, read_answers, write_questions
from tiny_models import save_tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(save_tiny_model(tmp_path_factory.mktemp("tiny") / "model", image_px=336, patch_px=14))


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_photos_train_a_model_that_answers_and_is_measured(shared_data, tmp_path, model, form, capsys):
    photos, out = shared_data / "photos", tmp_path / "run"
    if form == "jsonl":
        data = [f"data={write_photos_jsonl(tmp_path / 'photos.jsonl', photos, 2)}", f"image_root={photos}"]
    else:
        data = [f"data={write_photos_rlhfv(tmp_path / 'photos.parquet', photos)}"]
    command = ["train", "ddpo", f"model.name={model}", *data, "max_length=2000", "records_per_step=4", "max_steps=2"]
    assert main([*command, "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"2 steps: {out / 'model'}"

    questions = [Question(record.id, record.images, record.prompt) for record in photo_records(photos)[:3]]
    write_questions(tmp_path / "questions.jsonl", questions)
    ask = ["generate", str(out / "model"), str(tmp_path / "questions.jsonl"), "--image-root", str(photos)]
    assert main([*ask, "--out", str(tmp_path / "answers.jsonl"), "--max-tokens", "4"]) == 0
    assert {answer.id for answer in read_answers(tmp_path / "answers.jsonl")} == {question.id for question in questions}

    annotations = write_annotations(tmp_path / "annotations.jsonl", photos)
    evaluate = ["eval", str(out / "model"), "--annotations", str(annotations), "--image-root", str(photos)]
    options = ["--benchmarks", "chair", "--max-tokens", "4", "--out", str(tmp_path / "eval")]
    assert main([*evaluate, *options]) == 0
    stage = json.loads((tmp_path / "eval" / "results.json").read_text())["stages"][0]
    assert stage["benchmarks"]["chair"]["metrics"]["recall"]["n"] > 90


def test_a_broken_photo_stops_the_run_or_is_set_aside(shared_data, tmp_path, model, capsys):
    photos = shared_data / "photos"
    folder = tmp_path / "photos"
    folder.mkdir()
    records = photo_records(photos, 2)[:6]
    for record in records:
        (folder / record.images[0]).write_bytes((photos / record.images[0]).read_bytes())
    broken = folder / records[2].images[0]
    broken.write_bytes(broken.read_bytes()[:2000])
    path = folder / "records.jsonl"
    write_photos_jsonl(path, photos, 2)
    path.write_text("".join(line + "\n" for line in path.read_text().splitlines()[:6]))
    command = ["train", "ddpo", f"model.name={model}", f"data={path}", "max_length=2000", "records_per_step=2"]
    command += ["max_steps=1", "--out", str(tmp_path / "run")]
    assert main(command) == 2
    output = capsys.readouterr().err
    assert records[2].images[0] in output
    assert "Traceback" not in output
    assert main([*command, "--skip-bad", "--fresh"]) == 3
    assert "1 records set aside" in capsys.readouterr().err
