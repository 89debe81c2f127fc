"""Every benchmark with a judge from questions to report: official rows where they are public, images that stand in.

Rows that cannot be redistributed are invented and say so; all images are synthetic stand-ins, in a folder of that name.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from errata.errors import DataError
from errata.pipelines.compare import compare_runs
from errata.pipelines.evaluate.judging import JudgeSettings
from errata.pipelines.evaluate.run import evaluate
from errata.pipelines.evaluate.score_file import plan_evaluation
from errata.pipelines.evaluate.settings import EvaluationSettings, StandInSettings, fill_images
from errata.records import write_answers
from errata.reports import render_report
from judged_runs import answer_all
from official_rows import copy_released, invent_files, write_judge

NAMES = ("mmhal", "mrhal", "llava_bench_coco", "llava_bench_wild", "refomb", "hallusionbench", "vqav2")
REPLIES = {
    "mmhal": {"mmhal-rating": ["Fine.\nRating: 4"]},
    "mrhal": {"mrhal-ratings": ["Ratings: [5, 1]"]},
    "llava_bench_coco": {"llava_bench_coco-review": ["10 8\nGood."]},
    "llava_bench_wild": {"llava_bench_wild-review": ["8, 9"]},
    "refomb": {"refomb-comparison": ["[[B]]"], "refomb-trust": ["[[C]]"]},
    "hallusionbench": {"hallusionbench-check": ["correct"]},
}
EXPECTED = {
    "mmhal": ("score", 4), "mrhal": ("hallucination_mean_paper", 0.5), "llava_bench_coco": ("relative", 0.8),
    "llava_bench_wild": ("relative", 9 / 8), "refomb": ("win", 1),
    "hallusionbench": ("fAcc", 1), "vqav2": ("accuracy", 1),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("official")
    invent_files(folder)
    copy_released(shared_data, folder)
    write_judge(folder / "judge.jsonl", folder, REPLIES)
    settings = StandInSettings(NAMES, folder / "synthetic-stand-ins", data=folder)
    assert list(fill_images(settings).values()) == [96, 4, 30, 24, 73, 1, 5]
    return folder


@pytest.fixture
def settings(folder, tmp_path):
    judge = JudgeSettings(f"scripted:{folder / 'judge.jsonl'}", cache=tmp_path / "verdicts.sqlite")
    root = folder / "synthetic-stand-ins"
    return EvaluationSettings("tiny", data=folder, image_root=root, benchmarks=NAMES, judge=judge)


def script(questions, path):
    answers = answer_all(questions)
    write_answers(path, answers)
    return answers


def test_all_run_end_to_end_and_make_one_result_folder(settings, tmp_path):
    evaluation = evaluate(settings, tmp_path / "run", ask=script)
    assert evaluation.complete
    found = {result.benchmark: result for result in evaluation.results}
    assert {name: found[name].metrics[metric].value for name, (metric, _) in EXPECTED.items()} == pytest.approx(
        {name: value for name, (_, value) in EXPECTED.items()}
    )
    assert all(one.unreadable == one.unjudged == 0 for one in evaluation.coverage.values())
    first = (tmp_path / "run" / "results.json").read_bytes()
    again = evaluate(replace(settings, judge=replace(settings.judge, offline=True)), tmp_path / "run", ask=script)
    assert again.complete
    assert json.loads((tmp_path / "run" / "results.json").read_bytes())["stages"] == json.loads(first)["stages"]
    page = render_report(tmp_path / "run", tmp_path / "report.html").read_text()
    assert "llava_bench_coco" in page
    evaluate(replace(settings, model="other"), tmp_path / "other", ask=script)
    content = compare_runs(tmp_path / "run", tmp_path / "other", tmp_path / "compared.json")
    assert "mmhal" in json.dumps(content)


def test_official_mode_runs_on_the_same_answers(settings, tmp_path):
    evaluation = evaluate(replace(settings, mode="official"), tmp_path / "run", ask=script)
    found = {result.benchmark: result.metrics for result in evaluation.results}
    assert found["llava_bench_wild"]["candidate"].value == -1  # "8, 9" is no pair of scores there
    assert found["mmhal"]["score"].value == 4
    assert found["vqav2"]["accuracy"].value == 0
    unread = {name for name, one in evaluation.coverage.items() if one.unreadable}
    assert (unread, evaluation.complete) == ({"llava_bench_wild"}, False)


def test_the_cost_of_each_is_known_before_anything_is_sent(settings, tmp_path):
    plan = plan_evaluation(settings, tmp_path / "out")
    assert {name: estimate and estimate.calls for name, estimate in plan.items()} == {
        "mmhal": 96, "mrhal": 4, "llava_bench_coco": 90, "llava_bench_wild": 60, "refomb": 2 * 99,
        "hallusionbench": 1129 + 846, "vqav2": None,
    }  # fmt: skip
    swapped = plan_evaluation(replace(settings, benchmarks=("refomb",), options=("refomb.swap=true",)), tmp_path / "o")
    assert swapped["refomb"].calls == 4 * 99
    assert swapped["refomb"].prompt_tokens > 2 * plan["refomb"].prompt_tokens - 1000


def test_what_was_judged_costs_nothing_any_more(settings, tmp_path):
    """What follows on a verdict is known once the verdict is: no wrong answer, no second call."""
    evaluate(settings, tmp_path / "run", ask=script)
    plan = plan_evaluation(settings, tmp_path / "run")
    assert all(one.calls == one.cached for one in plan.values() if one), plan
    assert plan["hallusionbench"].calls == 1129
    assert plan["refomb"].calls == 99 + 1, "all reviews are equal: they are read once"


def test_a_folder_without_any_of_the_images_is_refused_before_a_model_answers(settings, tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="no such file, nor 95 others"):
        evaluate(replace(settings, image_root=tmp_path / "images"), tmp_path / "run", ask=script)
    assert not list((tmp_path / "run").glob("answers/*"))
