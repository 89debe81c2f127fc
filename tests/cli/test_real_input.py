"""The main job on real photos and texts, each step as a user would type it; the model's weights are random."""

from __future__ import annotations

import json
import signal

import pytest
from peft import PeftModel
from transformers import LlavaForConditionalGeneration

from annotated_photos import photo_records, photo_texts, write_annotations, write_photos_jsonl, write_photos_rlhfv
from errata.cli import main
from errata.models import quiet_transformers
from errata.records import Question, read_answers, write_questions
from struck import run_struck
from tiny_models import save_tiny_model


@pytest.fixture(scope="module")
def model(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny") / "model"
    texts = photo_texts(shared_data / "photos")
    return str(save_tiny_model(folder, image_px=336, patch_px=14, texts=texts, vocab_size=1500))


@pytest.mark.slow
def test_our_records_train_all_weights(shared_data, tmp_path, model, capsys):
    photos, out = shared_data / "photos", tmp_path / "run"
    data = [f"data={write_photos_jsonl(tmp_path / 'photos.jsonl', photos, 2)}", f"image_root={photos}"]
    train_killed_and_continued("recipes/ddpo.yaml", model, data, out, capsys)
    loaded = LlavaForConditionalGeneration.from_pretrained(out / "model", dtype="float32")
    before = LlavaForConditionalGeneration.from_pretrained(model, dtype="float32").state_dict()
    moved = {name for name, value in loaded.state_dict().items() if not value.equal(before[name])}
    assert any("language_model" in name for name in moved)
    assert not any("vision_tower" in name for name in moved)
    assert_answers_and_scores(out / "model", photos, tmp_path)
    assert main(["report", str(tmp_path / "eval")]) == 0


@pytest.mark.slow
def test_rlhfv_parquet_is_imported_and_trains_adapters(shared_data, tmp_path, model, capsys):
    photos, imported, out = shared_data / "photos", tmp_path / "imported", tmp_path / "run"
    parquet = write_photos_rlhfv(tmp_path / "photos.parquet", photos)
    assert main(["data", "import", str(parquet), "--out", str(imported)]) == 0
    assert main(["data", "check", str(imported)]) == 0
    train_killed_and_continued("recipes/ddpo-lora.yaml", model, [f"data={imported}"], out, capsys)
    with quiet_transformers():  # the two libraries deprecate each other's names
        PeftModel.from_pretrained(LlavaForConditionalGeneration.from_pretrained(model), out / "model")
    assert_answers_and_scores(out / "model", photos, tmp_path)


def train_killed_and_continued(recipe, model, data, out, capsys):
    """Three steps, killed while the second checkpoint is written, continued by the same command."""
    command = ["train", recipe, f"model.name={model}", *data, "records_per_step=4", "max_steps=3", "save_steps=1"]
    command += ["learning_rate=1e-3", "--out", str(out)]
    assert run_struck(command, "while_saving", out.with_suffix(".log"), 1) == -signal.SIGKILL
    assert main(command) == 0
    output = capsys.readouterr()
    assert output.out.splitlines()[-1] == f"3 steps: {out / 'model'}"
    assert "step 1 of 3" not in output.err, "it began again instead of continuing"


def assert_answers_and_scores(model, photos, folder):
    """`errata generate` and `errata eval` run on a checkpoint, with sets built from the photos' annotations."""
    questions = [Question(record.id, record.images, record.prompt) for record in photo_records(photos)[:3]]
    write_questions(folder / "questions.jsonl", questions)
    ask = ["generate", str(model), str(folder / "questions.jsonl"), "--image-root", str(photos), "--max-tokens", "4"]
    assert main([*ask, "--out", str(folder / "answers.jsonl")]) == 0
    assert {answer.id for answer in read_answers(folder / "answers.jsonl")} == {question.id for question in questions}

    annotations = write_annotations(folder / "annotations.jsonl", photos)
    evaluate = ["eval", str(model), "--annotations", str(annotations), "--image-root", str(photos)]
    options = ["--benchmarks", "pope,chair", "--max-tokens", "4", "--out", str(folder / "eval")]
    assert main([*evaluate, *options]) == 0
    benchmarks = json.loads((folder / "eval" / "results.json").read_text())["stages"][0]["benchmarks"]
    assert list(benchmarks) == ["pope_random", "pope_popular", "pope_adversarial", "pope", "chair"]
    assert benchmarks["chair"]["metrics"]["recall"]["n"] > 90
    assert all(benchmarks[name]["metrics"]["accuracy"]["n"] > 90 for name in list(benchmarks)[:3])


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
    assert "1 record set aside" in capsys.readouterr().err
