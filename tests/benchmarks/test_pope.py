"""POPE's answer rule, metrics, construction and files."""

from __future__ import annotations

import itertools
import json
import random

import pytest

from errata.benchmarks import (
    SETTINGS,
    build_pope,
    find_vintage,
    read_pope,
    read_verdict,
    score_pope,
    score_pope_settings,
    write_pope,
)
from errata.errors import ConfigError, DataError
from errata.records import Answer, Question, Turn


def _questions(labels):
    turn = (Turn("user", "Is there a cat in the image?"),)
    return [Question(str(i), (f"{i // 2}.jpg",), turn, {"label": label}) for i, label in enumerate(labels)]


def test_recorded_answer_rule(vectors):
    for case in vectors("pope_eval")["per_answer"]:
        assert read_verdict(case["answer"], "official") == case["official_label"], case


def test_recorded_metrics(vectors):
    names = {"acc": "accuracy", "precision": "precision", "recall": "recall", "f1": "f1", "yes_ratio": "yes_share"}
    for case in vectors("pope_eval")["sets"]:
        answers = [Answer(str(i), text) for i, text in enumerate(case["answers"])][::-1]
        result = score_pope(_questions(case["labels"]), answers, mode="official", allow_missing=True)
        for official, ours in names.items():
            if case["official"][official] is not None:  # null: the reference divides by zero
                assert result.metrics[ours].value == pytest.approx(case["official"][official]), case["name"]


def test_zero_denominators_have_no_value():
    result = score_pope(_questions(["no", "no"]), [Answer("0", "no"), Answer("1", "no")])
    values = {name: metric.value for name, metric in result.metrics.items()}
    assert values == {"accuracy": 1, "precision": None, "recall": None, "f1": None, "yes_share": 0, "unknown_share": 0}


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("Yes.", "yes"),
        ("NO!", "no"),
        ("no\n", "no"),
        ("Well,no", "no"),
        ("ＮＯ", "no"),
        ("1. Yes", "yes"),
        ("Yes, it's not small.", "yes"),
        ("There isn't a dog.", "no"),
        ("There is not a dog.", "no"),
        ("I cannot see a dog", "no"),
        ("I'm not sure. Yes, probably.", "yes"),
        ("I'm not sure.", "unknown"),
        ("I can’t tell", "unknown"),
        ("There is a no-parking sign.", "unknown"),
        ("There is a dog.", "yes"),
        ("The picture shows a dog beside a bench.", "yes"),
        ("The picture does not show a dog.", "no"),
        ("I'm sorry, but I can’t assist with that.", "unknown"),
        ("Nobody knows", "unknown"),
        ("", "unknown"),
    ],
)
def test_strict_answer_rule(answer, verdict):
    assert read_verdict(answer, "strict", "Is there a dog in the image?") == verdict


def test_unknown_answers_are_wrong_and_counted():
    answers = [Answer(str(i), text) for i, text in enumerate(["yes", "hm", "hm", "no"])]
    result = score_pope(_questions(["yes", "yes", "no", "no"]), answers)
    values = {name: metric.value for name, metric in result.metrics.items()}
    assert values["accuracy"] == 0.5
    assert values["unknown_share"] == 0.5
    assert (values["precision"], values["recall"]) == (1, 0.5)
    assert values["f1"] == pytest.approx(2 / 3)


def test_recorded_sets(vectors):
    for case in vectors("pope_build")["cases"]:
        images = {row["image"]: row["objects"] for row in case["images"]}
        for setting, official in case["official"].items():
            options = {"questions_per_image": 2 * case["sample_num"], "template": case["template"], "mode": "official"}
            if official["error"]:  # the reference loops for ever
                with pytest.raises(DataError, match="absent object"):
                    build_pope(images, setting, rng=random.Random(case["seed"]), **options)
                continue
            built = build_pope(images, setting, seed=case["seed"], **options)
            rows = [
                {"question_id": i, "image": q.images[0], "text": q.prompt[0].text, "label": q.meta["label"]}
                for i, q in enumerate(built, 1)
            ]
            assert rows == official["questions"], (case["name"], setting)


IMAGES = {
    f"{i}.jpg": objects
    for i, objects in enumerate(itertools.combinations(["apple", "bed", "cat", "dog", "egg", "hourglass"], 3))
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_strict_sets(setting):
    built = build_pope(IMAGES, setting, num_images=8, seed=3)
    assert len(built) == 48
    assert [q.meta["label"] for q in built[:2]] == ["yes", "no"]
    for question in built:
        there = question.meta["object"] in IMAGES[question.images[0]]
        assert there == (question.meta["label"] == "yes")
    asked = [(q.images[0], q.meta["object"]) for q in built]
    assert len(set(asked)) == len(asked)
    assert built == build_pope(IMAGES, setting, num_images=8, seed=3)
    assert built != build_pope(IMAGES, setting, num_images=8, seed=4)
    yes = [(q.images[0], q.meta["object"]) for q in built if q.meta["label"] == "yes"]
    others = build_pope(IMAGES, "random", num_images=8, seed=3)
    assert yes == [(q.images[0], q.meta["object"]) for q in others if q.meta["label"] == "yes"]
    for question in built:
        an = question.meta["object"] in ("apple", "egg", "hourglass")
        assert question.prompt[0].text == f"Is there {'an' if an else 'a'} {question.meta['object']} in the image?"


def test_ranking_images_decide_what_is_popular():
    ranking = {"r1": ["dog", "cat", "bird"], "r2": ["dog", "bird", "egg"], "r3": ["bird", "dog"]}
    built = build_pope({"x.jpg": ["cat", "egg"]}, "popular", questions_per_image=4, ranking=ranking)
    assert [q.meta["object"] for q in built if q.meta["label"] == "no"] == ["dog", "bird"]


@pytest.mark.parametrize(
    "options", [{"questions_per_image": 5}, {"template": "Is it?"}, {"mode": "fast"}, {"setting": "easy"}]
)
def test_choices_that_do_not_exist(options):
    with pytest.raises(ConfigError):
        build_pope(IMAGES, **{"setting": "random", **options})


def test_too_few_images_or_objects():
    with pytest.raises(DataError, match="20 of 20"):
        build_pope(IMAGES, "random", num_images=21)
    with pytest.raises(DataError, match="absent object"):
        build_pope({"a": ["cat", "dog", "egg"]}, "adversarial")


def test_files_come_back(tmp_path):
    built = build_pope(IMAGES, "popular", num_images=4)
    path = tmp_path / "coco_pope_popular.json"
    write_pope(path, built)
    back = read_pope(path)
    assert [(q.id, q.images, q.prompt) for q in back] == [(q.id, q.images, q.prompt) for q in built]
    assert all(b.meta.items() >= a.meta.items() for a, b in zip(built, back, strict=True))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    (tmp_path / "array.json").write_text(json.dumps(rows))
    assert [q.id for q in read_pope(tmp_path / "array.json", setting="popular")] == [q.id for q in built]


def test_vintages():
    assert find_vintage(["Is there an apple in the imange?"]) == "old"
    assert find_vintage(["Is there an apple in the image?"] * 3000) == "new"
    assert find_vintage(["Is there an apple in the image?"]) == "other"


@pytest.mark.parametrize(
    "row", ['{"question_id": 1}', "[1]", '{"question_id":1,"image":"a","text":"b","label":"maybe"}', "{"]
)
def test_bad_rows_are_named(tmp_path, row):
    path = tmp_path / "pope.json"
    path.write_text(row + "\n")
    with pytest.raises(DataError, match=r"pope.json"):
        read_pope(path)


def test_official_files(shared_data):
    for setting in SETTINGS:
        questions = read_pope(shared_data / "pope" / f"coco_pope_{setting}.json")
        assert len(questions) == 3000
        assert {q.meta["vintage"] for q in questions} == {"new"}
        assert {q.meta["setting"] for q in questions} == {setting}
        assert all(q.meta["object"] for q in questions)
        assert sum(q.meta["label"] == "yes" for q in questions) == 1500


def test_settings_are_scored_apart():
    questions = [*build_pope(IMAGES, "random", num_images=5), *build_pope(IMAGES, "popular", num_images=5)]
    answers = [Answer(q.id, q.meta["label"] if q.meta["setting"] == "random" else "no") for q in questions]
    results = score_pope_settings(questions, answers)
    assert [(r.benchmark, r.metrics["accuracy"].value) for r in results.values()] == [
        ("pope-random", 1),
        ("pope-popular", 0.5),
    ]
    with pytest.raises(DataError, match="unknown 'x'"):
        score_pope_settings(questions, [*answers, Answer("x", "yes")])
