"""Answers made elsewhere, scored and compared."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from errata.errors import ConfigError, DataError
from errata.pipelines.compare import compare_runs
from errata.pipelines.evaluate import ScoreSettings, score_file
from errata.reports import render_report, render_table

SAID = "A man and a dog sit on a bench. A cat"
INSTANCES = {
    "images": [{"id": n, "file_name": f"COCO_val2014_{n:012}.jpg"} for n in (42, 7)],
    "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}, {"id": 17, "name": "cat"}],
    "annotations": [{"image_id": 42, "category_id": 18}, {"image_id": 42, "category_id": 1}],
}


def write_pope(path, shared_data):
    """Answers to all official questions: every fifth "yes" is missed, every tenth "no" is a "yes"."""
    rows = []
    for setting in ("random", "popular", "adversarial"):
        for number, line in enumerate((shared_data / "pope" / f"coco_pope_{setting}.json").read_text().splitlines()):
            row = json.loads(line)
            right = row["label"] == "yes"
            said = (right and number % 5 != 0) or (not right and number % 10 == 1)
            rows.append({"question_id": row["question_id"], "category": setting, "answer": "Yes" if said else "No"})
    path.write_text("".join(json.dumps(row) + "\n" for row in reversed(rows)))
    return ScoreSettings("pope", path, data=shared_data, mode="official")


@pytest.fixture
def pope(shared_data, tmp_path):
    """Settings and a file of answers that a test may change."""
    return write_pope(tmp_path / "pope.jsonl", shared_data)


@pytest.fixture(scope="module")
def scored(shared_data, tmp_path_factory):
    """The same answers scored: the evaluation, and the folder, which no test may change."""
    folder = tmp_path_factory.mktemp("scored")
    return score_file(write_pope(folder / "pope.jsonl", shared_data), folder / "out"), folder / "out"


@pytest.fixture
def chair(tmp_path):
    (tmp_path / "instances_val2014.json").write_text(json.dumps(INSTANCES))
    (tmp_path / "captions.json").write_text(
        json.dumps([{"image_id": 42, "caption": SAID}, {"image_id": 7, "caption": ""}])
    )
    return ScoreSettings("chair", tmp_path / "captions.json", data=tmp_path, mode="strict", model="m")


def score(settings, out):
    evaluation = score_file(settings, out)
    return {result.benchmark: result for result in evaluation.results}, evaluation.coverage


def test_official_pope_files(scored):
    evaluation, out = scored
    results, coverage = {result.benchmark: result for result in evaluation.results}, evaluation.coverage
    assert {name: len(result.items) for name, result in results.items()} == {
        "pope-random": 3000, "pope-popular": 3000, "pope-adversarial": 3000, "pope": 9000,
    }  # fmt: skip
    random = results["pope-random"]
    assert random.settings["vintage"] == "new"
    assert random.metrics["recall"].value == pytest.approx(0.8)
    assert random.metrics["recall"].numerator == 1200
    assert random.metrics["recall"].n == 1500
    assert results["pope"].metrics["f1_mean"].value == pytest.approx(random.metrics["f1"].value)
    assert coverage["pope"].complete
    content = json.loads((out / "results.json").read_text())
    assert content["published"][0]["value"] == "85.9"
    assert content["made_with"]["questions"]["pope"]["count"] == 9000
    assert content["made_with"]["versions"]["errata"]


def test_a_folder_with_the_wrong_number_of_rows_is_named(pope, shared_data, tmp_path):
    for setting in ("random", "popular", "adversarial"):
        lines = (shared_data / "pope" / f"coco_pope_{setting}.json").read_text().splitlines()
        (tmp_path / f"coco_pope_{setting}.json").write_text("\n".join(lines[: 2999 if setting == "popular" else None]))
    with pytest.raises(DataError, match=r"popular\.json: 2999 rows; expected 3000 rows"):
        score_file(replace(pope, data=tmp_path), tmp_path / "out")


def test_missing_answers_are_named_or_counted(pope, tmp_path):
    lines = pope.answers.read_text().splitlines(keepends=True)
    pope.answers.write_text("".join(line for line in lines[:-1] if '"random"' in line))
    random = replace(pope, options=("pope.settings=[random]",))
    with pytest.raises(DataError, match=r"no answer to 'pope-random-1'"):
        score_file(random, tmp_path / "out")
    _, coverage = score(replace(random, allow_missing=True), tmp_path / "out")
    assert (coverage["pope"].answered, coverage["pope"].questions, coverage["pope"].complete) == (2999, 3000, False)


def test_answers_to_another_benchmark_are_named(chair, pope, tmp_path):
    with pytest.raises(DataError, match="none that is about one of its questions"):
        score_file(replace(chair, answers=pope.answers), tmp_path / "out")


def test_rows_that_carry_their_questions_need_no_data(tmp_path, monkeypatch):
    monkeypatch.setenv("ERRATA_CACHE", str(tmp_path / "none"))
    rows = [
        {"index": n, "question": "Is there a dog?", "answer": "Yes", "category": "random", "prediction": said}
        for n, said in enumerate(("Yes", "no", "hm"))
    ]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    settings = ScoreSettings("pope", tmp_path / "a.json", options=("pope.settings=[random]",))
    results, _ = score(settings, tmp_path / "out")
    metrics = results["pope-random"].metrics
    assert (metrics["accuracy"].numerator, metrics["unknown_share"].numerator, metrics["accuracy"].n) == (1, 1, 3)
    assert results["pope-random"].settings["vintage"] == "of the answer file"
    (tmp_path / "a.json").write_text(json.dumps([row | {"category": ""} for row in rows]))
    with pytest.raises(DataError, match="bench fetch pope"):
        score_file(settings, tmp_path / "out")


def test_rows_numbered_by_another_harness_keep_their_own_questions(pope, shared_data, tmp_path, monkeypatch):
    """VLMEvalKit asks once what occurs in several settings: its numbers are not those of the files in the cache."""
    monkeypatch.setenv("ERRATA_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache" / "benchmarks").mkdir(parents=True)
    (tmp_path / "cache" / "benchmarks" / "pope").symlink_to(shared_data / "pope")
    row = {"index": 1, "question": "Is there a zebra in the image?", "answer": "No", "category": "random,popular"}
    (tmp_path / "a.json").write_text(json.dumps([row | {"prediction": "No"}]))
    settings = ScoreSettings("pope", tmp_path / "a.json", options=("pope.settings=[random,popular]",))
    results, _ = score(settings, tmp_path / "out")
    assert results["pope-popular"].settings["vintage"] == "of the answer file"
    assert (results["pope-random"].metrics["accuracy"].value, results["pope-random"].metrics["recall"].value) == (
        1,
        None,
    )
    with pytest.raises(DataError, match="expected one to 'is there a snowboard in the image"):
        score_file(replace(settings, data=shared_data), tmp_path / "other")
    lines = pope.answers.read_text().splitlines(keepends=True)
    pope.answers.write_text("".join(line for line in lines if '"random"' in line))
    random = replace(pope, data=None, options=("pope.settings=[random]",))
    score_file(random, tmp_path / "official")  # numbers of the file itself: from the cache
    assert (
        json.loads((tmp_path / "official" / "results.json").read_text())["settings"]["questions_from"]
        == "the benchmark"
    )


def test_chair_on_coco_files(chair, tmp_path):
    results, coverage = score(chair, tmp_path / "out")
    metrics = results["chair"].metrics
    assert {name: (metric.numerator, metric.n) for name, metric in metrics.items()} == {
        "chair_s": (1, 2), "chair_i": (2, 4), "recall": (2, 2), "words": (11, 2), "words_truthful": (9, 2),
    }  # fmt: skip
    assert (coverage["chair"].empty, coverage["chair"].cut) == (1, 0)


def test_a_cut_last_sentence_is_a_stated_setting(chair, tmp_path):
    results, _ = score(replace(chair, options=("chair.cut_sentence=drop",)), tmp_path / "out")
    assert results["chair"].settings["cut_sentence"] == "drop"
    assert results["chair"].metrics["chair_i"].numerator == 1
    assert results["chair"].metrics["words"].numerator == 9


def test_what_has_no_denominator_has_no_value(chair, tmp_path):
    chair.answers.write_text(json.dumps([{"image_id": n, "caption": ""} for n in (42, 7)]))
    results, _ = score(chair, tmp_path / "out")
    assert results["chair"].metrics["chair_i"].value is None
    assert results["chair"].metrics["chair_s"].value == 0
    assert (
        json.loads((tmp_path / "out" / "results.json").read_text())["stages"][0]["benchmarks"]["chair"]["metrics"][
            "chair_i"
        ]["value"]
        is None
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("chair.cut_sentence=perhaps",), "cut_sentence"),
        (("chair.cutt_sentence=drop",), "cut_sentence"),
        (("pope.images=3",), "no option of a chosen benchmark"),
        (("images=3",), "no option of a chosen benchmark"),
        (("chair.images=3",), "3 of 2"),
    ],
)
def test_options_that_do_not_exist(chair, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        score_file(replace(chair, options=options), tmp_path / "out")


def test_runs_are_compared_on_the_items_that_both_have(pope, scored, tmp_path):
    lines = [json.loads(line) for line in pope.answers.read_text().splitlines()]
    better = [row if n % 7 else row | {"answer": "No"} for n, row in enumerate(lines)][:-6]
    pope.answers.write_text("".join(json.dumps(row) + "\n" for row in better))
    score_file(replace(pope, allow_missing=True), tmp_path / "two")
    content = compare_runs(scored[1], tmp_path / "two", tmp_path / "compared.json")
    assert content["shared"]["pope_random"] == {"items": 2994, "only_before": 6, "only_after": 0}
    stages = [stage["benchmarks"]["pope_random"]["metrics"]["recall"] for stage in content["stages"]]
    assert [stage["n"] for stage in stages] == [1497, 1497]
    difference = content["differences"]["after"]["pope_random"]["recall"]
    assert difference["value"] == pytest.approx(stages[1]["value"] - stages[0]["value"])
    assert difference["low"] < difference["value"] < difference["high"] < 0
    assert difference["p"] < 0.01
    mean = content["differences"]["after"]["pope"]["f1_mean"]
    parts = [content["differences"]["after"][f"pope_{s}"]["f1"]["value"] for s in ("random", "popular", "adversarial")]
    assert mean["value"] == pytest.approx(sum(parts) / 3)
    assert "recall" in render_table(json.loads((tmp_path / "compared.json").read_text()))
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "results.json").write_text((tmp_path / "compared.json").read_text())
    assert "POPE" in render_report(tmp_path / "page").read_text(encoding="utf-8")


def test_what_cannot_be_compared_is_named(pope, chair, tmp_path):
    random = replace(pope, options=("pope.settings=[random]",), allow_missing=True)
    pope.answers.write_text(
        "".join(line + "\n" for line in pope.answers.read_text().splitlines() if '"random"' in line)
    )
    score_file(random, tmp_path / "pope")
    score_file(chair, tmp_path / "chair")
    score_file(replace(random, mode="strict"), tmp_path / "strict")
    with pytest.raises(DataError, match="a benchmark that both measured"):
        compare_runs(tmp_path / "pope", tmp_path / "chair", tmp_path / "x.json")
    with pytest.raises(DataError, match="in official and in strict mode; expected the same mode of scoring"):
        compare_runs(tmp_path / "pope", tmp_path / "strict", tmp_path / "x.json")
    with pytest.raises(DataError, match=r"results\.json"):
        compare_runs(tmp_path / "pope", tmp_path / "none", tmp_path / "x.json")
    (tmp_path / "chair" / "results.json").write_text("{}")
    with pytest.raises(DataError, match="results of a run"):
        compare_runs(tmp_path / "pope", tmp_path / "chair", tmp_path / "x.json")
    assert not (tmp_path / "x.json").exists()


def test_answers_to_photos_are_read_in_both_modes(shared_data, tmp_path):
    """Hand-made answers with two or three wrong segments each, on annotations as they lie there."""
    photos = shared_data / "photos"
    rows = [json.loads(line) for line in (photos / "annotated.jsonl").read_text().splitlines()]
    said = [{"image": row["image"], "answer": row["responses"][2]["text"]} for row in reversed(rows)]
    (tmp_path / "said.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
    settings = ScoreSettings("chair", tmp_path / "said.jsonl", annotations=photos / "annotated.jsonl", data=shared_data)
    for mode, counts in (("official", (17, 105)), ("strict", (15, 112))):
        results, coverage = score(replace(settings, mode=mode, image_root=photos), tmp_path / mode)
        metric = results["chair"].metrics["chair_i"]
        assert (metric.numerator, metric.n) == counts
        assert coverage["chair"].complete
        assert "CHAIR" in render_report(tmp_path / mode).read_text(encoding="utf-8")
