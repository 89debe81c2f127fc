"""From annotated images to a result folder, with a scripted model."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from PIL import Image

from annotated_photos import read_photos, write_annotations
from errata.benchmarks import read_annotations
from errata.errors import ConfigError, DataError
from errata.generation import GenerationSettings
from errata.pipelines.evaluate.run import evaluate
from errata.pipelines.evaluate.settings import EvaluationSettings
from errata.records import Answer, read_questions
from errata.reports import render_report

ROWS = [
    {"image": "a.png", "objects": ["dog", "cat", "car"], "captions": ["A dog beside a cat."]},
    {"image": "b.png", "objects": ["person", "dog", "chair"], "question": "What is there?"},
    {"image": "c.png", "objects": ["person", "bottle", "cup"]},
]


@pytest.fixture
def settings(tmp_path):
    for row in ROWS:
        Image.new("RGB", (4, 4)).save(tmp_path / row["image"])
    (tmp_path / "images.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return EvaluationSettings("tiny", tmp_path / "images.jsonl", tmp_path)


def script(questions, path):
    """Says "yes" to every question and sees a dog and a cup in every image."""
    texts = {"pope": "Yes, there is.", "chair": "There is a dog and a cup."}
    return [Answer(question.id, texts[path.stem], "tiny") for question in questions]


def test_a_result_folder_holds_questions_scores_and_examples(settings, tmp_path):
    results = {result.benchmark: result for result in evaluate(settings, tmp_path / "out", ask=script).results}
    assert set(results) == {"chair", "pope-random", "pope-popular", "pope-adversarial", "pope"}
    assert results["pope-random"].metrics["accuracy"].value == 0.5
    assert results["chair"].metrics["chair_s"].value == 1
    assert results["chair"].metrics["chair_i"].value == 0.5
    questions = read_questions(tmp_path / "out" / "questions" / "chair.jsonl")
    assert [question.prompt[0].text for question in questions][1] == "What is there?"
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    example = content["examples"][0]
    assert example["before"]["spans"] == [{"kind": "hallucinated", "start": 21, "end": 24, "object": "cup"}]
    assert (tmp_path / "out" / example["image"]).is_file()


def test_one_benchmark_can_be_chosen(settings, tmp_path):
    results = evaluate(replace(settings, benchmarks=("pope",)), tmp_path / "out", ask=script).results
    assert [one.benchmark for one in results] == ["pope-random", "pope-popular", "pope-adversarial", "pope"]
    with pytest.raises(ConfigError, match="bench list"):
        evaluate(replace(settings, benchmarks=("popes",)), tmp_path / "out", ask=script)


def test_official_chair_needs_the_released_list(settings, tmp_path):
    with pytest.raises(ConfigError, match="the released synonym list"):
        evaluate(replace(settings, mode="official", benchmarks=("chair",)), tmp_path / "out", ask=script)


def test_a_folder_of_other_settings_is_not_mixed_in(settings, tmp_path):
    evaluate(settings, tmp_path / "out", ask=script)
    evaluate(replace(settings, mode="official", benchmarks=("pope",)), tmp_path / "out", ask=script)
    with pytest.raises(ConfigError, match=r"generation\.seed was 0 and is now 1"):
        evaluate(replace(settings, generation=GenerationSettings(seed=1)), tmp_path / "out", ask=script)
    evaluate(replace(settings, generation=GenerationSettings(seed=1)), tmp_path / "out", fresh=True, ask=script)
    (tmp_path / "out" / "settings.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"settings\.json"):
        evaluate(settings, tmp_path / "out", ask=script)


@pytest.mark.parametrize(
    "row",
    [
        [],
        {"objects": []},
        {"image": "", "objects": []},
        {"image": "z.png"},
        {"image": "z.png", "objects": "dog"},
        {"image": "z.png", "objects": [1]},
        {"image": "z.png", "objects": [], "captions": "A dog."},
        {"image": "z.png", "objects": [], "question": 3},
        {"image": "a.png", "objects": []},
    ],
)
def test_a_bad_annotation_names_its_line(settings, row):
    with settings.annotations.open("a") as file:
        file.write(json.dumps(row) + "\n")
    with pytest.raises(DataError, match=r"images\.jsonl:4"):
        read_annotations(settings.annotations)


def test_an_object_that_no_vocabulary_knows_is_named_before_the_model_runs(settings, tmp_path):
    with settings.annotations.open("a") as file:
        file.write(json.dumps({"image": "./a.png", "objects": ["unicorn"]}) + "\n")
    with pytest.raises(DataError, match="unicorn"):
        evaluate(settings, tmp_path / "out", ask=never)


def test_a_folder_without_any_of_the_images_is_named_before_the_model_runs(settings, tmp_path):
    """A single one that is missing costs the answers about it alone."""
    for path in tmp_path.glob("*.png"):
        path.unlink()
    with pytest.raises(DataError, match=r"\.png: no such file, nor"):
        evaluate(settings, tmp_path / "out", ask=never)


def never(questions, path):
    raise AssertionError("asked the model")


def test_no_annotations_are_an_error(settings):
    settings.annotations.write_text("\n")
    with pytest.raises(DataError, match="at least one"):
        read_annotations(settings.annotations)


def test_annotated_photos_make_all_sets(shared_data, tmp_path):
    folder = shared_data / "photos"
    level_0 = {row["image"]: row["responses"][0]["text"] for row in read_photos(folder)}
    settings = EvaluationSettings("truth", write_annotations(tmp_path / "a.jsonl", folder), folder)

    def answer(questions, path):
        if path.stem == "chair":
            return [Answer(question.id, level_0[question.id]) for question in questions]
        return [Answer(question.id, question.meta["label"]) for question in questions]

    results = {result.benchmark: result for result in evaluate(settings, tmp_path / "out", ask=answer).results}
    assert results["pope-adversarial"].metrics["f1"].value == 1
    assert results["chair"].metrics["chair_i"].value < 0.1


def test_a_report_shows_the_result_folder(settings, tmp_path):
    evaluate(settings, tmp_path / "out", ask=script)
    page = render_report(tmp_path / "out").read_text(encoding="utf-8")
    assert "data:image/" in page
    assert "POPE strict · adversarial" in page
    assert page.count('<mark class="hallucinated"') >= 3


def test_another_server_of_the_same_model_goes_on(settings, tmp_path):
    one, two, other = (
        replace(settings, model=f"openai:{name}") for name in ("m@http://a:1/v1", "m@http://b:2/v1", "n@http://a:1/v1")
    )
    evaluate(one, tmp_path / "out", ask=script)
    evaluate(two, tmp_path / "out", ask=script)
    with pytest.raises(ConfigError, match="model was 'openai:m' and is now 'openai:n'"):
        evaluate(other, tmp_path / "out", ask=script)
