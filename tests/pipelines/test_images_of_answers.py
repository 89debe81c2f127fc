"""The images of an answer file as the whole set: POPE, over-generalisation, Object HalBench, and what it cannot do."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from errata.benchmarks import build_pope
from errata.errors import ConfigError, DataError
from errata.pipelines.evaluate import JudgeSettings, ScoreSettings, score_file
from errata.records import Answer, describe_coverage, write_answers, write_questions
from errata.world import EVALUATION, describe, sample_scenes

SCENES = sample_scenes("test", 30, 0, EVALUATION)
PHOTOS = [
    ("k1.jpg", ["oven", "sink"], ["A kitchen.", "The kitchen sink."]),
    ("k2.jpg", ["oven"], ["Kitchens of today.", "A kitchen with an oven."]),
    ("s1.jpg", ["car", "person"], ["A street.", "Cars in the street."]),
]


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def photos(tmp_path):
    rows = [{"image": name, "objects": objects, "captions": said} for name, objects, said in PHOTOS]
    write_rows(tmp_path / "photos.jsonl", rows)
    said = [{"image_id": name, "caption": "An oven and a car."} for name in ("k1.jpg", "s1.jpg")]
    return ScoreSettings(
        "chair", write_rows(tmp_path / "a.jsonl", said), annotations=tmp_path / "photos.jsonl", images_of_answers=True
    )


@pytest.fixture
def world(tmp_path):
    """Scenes of the synthetic world, and answers about five of them."""
    write_rows(tmp_path / "scenes.jsonl", [{"image": f"{one.id}.png", "objects": list(one.objects)} for one in SCENES])
    names = dict.fromkeys(name for one in SCENES for name in one.objects)
    (tmp_path / "names.txt").write_text("\n".join(names) + "\n")
    rows = [{"image_id": f"{one.id}.png", "caption": describe(one)} for one in SCENES[3:8]]
    return ScoreSettings(
        "overgeneralisation", write_rows(tmp_path / "a.jsonl", rows), annotations=tmp_path / "scenes.jsonl",
        vocabulary=tmp_path / "names.txt", images_of_answers=True,
    )  # fmt: skip


def build_world(**options):
    objects = {f"{one.id}.png": one.objects for one in SCENES}
    return [
        question
        for setting in ("random", "popular", "adversarial")
        for question in build_pope(objects, setting, questions_per_image=2, **options)
    ]


def describe_pope(questions):
    return [
        {
            "image": one.images[0], "category": one.meta["setting"], "question": one.prompt[0].text,
            "response": one.meta["label"],
        }
        for one in questions
    ]  # fmt: skip


@pytest.fixture
def pope(world):
    images = {f"{one.id}.png" for one in SCENES[3:8]}
    rows = describe_pope(one for one in build_world() if one.images[0] in images)
    write_rows(world.answers, rows)
    return replace(world, benchmark="pope", options=("pope.questions_per_image=2",))


def test_pope_is_scored_on_the_images_of_the_answers(pope, tmp_path):
    with pytest.raises(DataError, match="take the images of the answer file as the whole set"):
        score_file(replace(pope, images_of_answers=False), tmp_path / "out")
    evaluation = score_file(pope, tmp_path / "out")
    assert evaluation.complete
    assert [result.metrics["accuracy"].n for result in evaluation.results[:3]] == [10, 10, 10]
    assert evaluation.results[-1].metrics["accuracy_mean"].value == 1
    coverage = json.loads((tmp_path / "out" / "results.json").read_text())["coverage"]["pope"]
    assert (coverage["questions"], coverage["left_out"]) == (30, 150)
    assert "150 left out, about images that the answer file does not have" in describe_coverage(coverage)


def test_questions_that_depend_on_the_draw_are_not_found_by_the_images_of_the_answers(pope, tmp_path):
    write_rows(pope.answers, describe_pope(build_world(num_images=5)))
    with pytest.raises(DataError, match=r"the questions depend on the images drawn: .*--seed, pope\.images"):
        score_file(pope, tmp_path / "out")
    drawn = replace(pope, options=(*pope.options, "pope.images=5"))
    with pytest.raises(ConfigError, match=r"pope\.images: both; expected no sample beside --images-of-answers"):
        score_file(drawn, tmp_path / "out")
    evaluation = score_file(replace(drawn, images_of_answers=False), tmp_path / "out")
    assert evaluation.results[-1].metrics["accuracy_mean"].value == 1


def test_numbers_of_a_set_that_was_built_are_not_those_of_another(pope, tmp_path):
    asked = build_world(num_images=5)
    (tmp_path / "run" / "answers").mkdir(parents=True)
    answers = tmp_path / "run" / "answers" / "pope.jsonl"
    write_answers(answers, [Answer(one.id, f"{one.meta['label']}.") for one in asked])
    bare = replace(pope, answers=answers)
    with pytest.raises(DataError, match=r"a number of a set that was built; expected image and question.*for POPE"):
        score_file(bare, tmp_path / "out")
    write_questions(tmp_path / "run" / "questions" / "pope.jsonl", asked)
    for images_of_answers in (True, False):
        with pytest.raises(DataError, match=r"pope-random-1: one to .* the data, seed and options of the run"):
            score_file(replace(bare, images_of_answers=images_of_answers, allow_missing=True), tmp_path / "out")
    again = replace(bare, images_of_answers=False, options=(*pope.options, "pope.images=5"))
    assert score_file(again, tmp_path / "out").complete


def test_official_questions_are_not_drawn(tmp_path, shared_data):
    rows = write_rows(tmp_path / "a.jsonl", [{"question_id": 1, "category": "random", "text": "Yes"}])
    with pytest.raises(ConfigError, match=r"pope\.images: the official files; expected a set that is built"):
        score_file(ScoreSettings("pope", rows, data=shared_data, options=("pope.images=5",)), tmp_path / "out")


def test_figures_of_others_are_not_quoted_beside_a_part_of_the_images(tmp_path, shared_data):
    rows = [json.loads(line) for line in (shared_data / "pope" / "coco_pope_random.json").read_text().splitlines()]
    said = [{"question_id": row["question_id"], "category": "random", "text": "Yes"} for row in rows]
    whole = ScoreSettings(
        "pope", write_rows(tmp_path / "a.jsonl", said), data=shared_data, options=("pope.settings=[random]",)
    )
    assert score_file(whole, tmp_path / "out").quotable == ["pope"]
    part = replace(whole, answers=write_rows(tmp_path / "b.jsonl", said[:12]), images_of_answers=True)
    evaluation = score_file(part, tmp_path / "out")
    assert (evaluation.complete, evaluation.quotable) == (True, [])


def test_overgeneralisation_counts_what_is_frequent_over_all_images(photos, tmp_path):
    evaluation = score_file(replace(photos, benchmark="overgeneralisation"), tmp_path / "out")
    kitchen = evaluation.results[0]
    assert kitchen.settings["frequent"] == ["oven", "sink"], "k2 counts too"
    counts = {name: kitchen.metrics[name] for name in ("average", "scene")}
    assert {name: (one.numerator, one.n) for name, one in counts.items()} == {"average": (1, 2), "scene": (0, 1)}
    assert (evaluation.complete, evaluation.coverage["overgeneralisation"].left_out) == (True, 1)


def test_overgeneralisation_of_the_world_takes_the_scenes_of_the_answers(world, tmp_path):
    evaluation = score_file(world, tmp_path / "out")
    assert (evaluation.complete, evaluation.coverage["overgeneralisation"].left_out) == (True, 25)
    assert evaluation.results[-1].metrics["average_mean"].value in (0, None)
    drawn = replace(world, options=("overgeneralisation.images=5",))
    with pytest.raises(ConfigError, match=r"overgeneralisation\.images: both; expected no sample"):
        score_file(drawn, tmp_path / "out")
    with pytest.raises(DataError, match=r"overgeneralisation\.images drew others: leave it out, .*--images-of-answers"):
        score_file(replace(drawn, images_of_answers=False, seed=1), tmp_path / "out")


def test_object_halbench_judges_the_images_of_the_answers(photos, tmp_path):
    extracted = [
        {"prompt": "object-halbench-extract", "id": name, "reply": '["oven", "car"]'} for name in ("k1.jpg", "s1.jpg")
    ]
    replies = write_rows(tmp_path / "judge.jsonl", extracted)
    judge = JudgeSettings(f"scripted:{replies}", cache=tmp_path / "verdicts.sqlite")
    asked = replace(photos, benchmark="object_halbench", judge=judge)
    with pytest.raises(DataError, match=r"no answer to 'k2\.jpg'.*--images-of-answers"):
        score_file(replace(asked, images_of_answers=False), tmp_path / "out")
    evaluation = score_file(asked, tmp_path / "out")
    counts = {name: (one.numerator, one.n) for name, one in evaluation.results[0].metrics.items()}
    assert (counts["response_hall"], counts["object_hall"], counts["recall"]) == ((2, 2), (2, 4), (2, 4))
    assert (evaluation.complete, evaluation.coverage["object_halbench"].left_out) == (True, 1)
    strange = write_rows(tmp_path / "b.jsonl", [{"image_id": "z.jpg", "caption": "A wall."}])
    with pytest.raises(DataError, match=r"none that is about one of its questions.*or --annotations"):
        score_file(replace(asked, answers=strange), tmp_path / "out")


def test_questions_without_an_image_are_left_out_as_other_harnesses_do(tmp_path):
    """VLMEvalKit asks HallusionBench's 951 questions with an image, of 1129."""
    rows = [
        {
            "category": "VS", "subcategory": "map", "visual_input": "0" if n < 178 else "1", "set_id": str(n),
            "figure_id": "0" if n < 178 else "1", "question_id": "0", "question": f"Is it {n}?", "gt_answer": "1",
            "gt_answer_details": "It is.", "filename": f"{n}.png",
        }
        for n in range(1129)
    ]  # fmt: skip
    (tmp_path / "HallusionBench.json").write_text(json.dumps(rows))
    names = ("category", "subcategory", "set_id", "figure_id", "question_id")
    said = [{name: row[name] for name in names} | {"model_prediction": "Yes."} for row in rows[178:]]
    replies = [
        {
            "prompt": "hallusionbench-check",
            "id": "-".join(("hallusion", *(row[name] for name in names))),
            "reply": "correct",
        }
        for row in rows[178:]
    ]
    judge = JudgeSettings(f"scripted:{write_rows(tmp_path / 'judge.jsonl', replies)}", cache=tmp_path / "v.sqlite")
    asked = ScoreSettings("hallusionbench", write_rows(tmp_path / "a.jsonl", said), data=tmp_path, judge=judge)
    with pytest.raises(DataError, match=r"and 175 more.*--images-of-answers"):
        score_file(asked, tmp_path / "out")
    evaluation = score_file(replace(asked, images_of_answers=True), tmp_path / "out")
    assert (evaluation.complete, evaluation.coverage["hallusionbench"].left_out) == (True, 178)
    assert evaluation.results[0].metrics["aAcc"].n == 951
