"""Every benchmark with a judge from questions to report: official rows where they are public, images that stand in.

Rows that cannot be redistributed are invented and say so; all images are synthetic stand-ins, in a folder of that name.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from PIL import Image

from errata.benchmarks import Setup, build_benchmarks, find_data
from errata.errors import DataError
from errata.pipelines import compare_runs
from errata.pipelines.dry_run import plan_evaluation
from errata.pipelines.evaluate import EvaluationSettings, evaluate, load_questions
from errata.pipelines.judging import JudgeSettings
from errata.records import write_answers
from errata.reports import render_report
from judged_runs import answer_all

NAMES = ("mmhal", "mrhal", "llava_bench_coco", "llava_bench_wild", "refomb", "hallusionbench", "vqav2")
REPLIES = {
    "mmhal": {"mmhal-rating": "Fine.\nRating: 4"},
    "mrhal": {"mrhal-ratings": "Ratings: [5, 1]"},
    "llava_bench_coco": {"llava_bench_coco-review": "10 8\nGood."},
    "llava_bench_wild": {"llava_bench_wild-review": "8, 9"},
    "refomb": {"refomb-comparison": "[[B]]", "refomb-trust": "[[C]]"},
    "hallusionbench": {"hallusionbench-check": "correct"},
    "vqav2": {},
}
EXPECTED = {
    "mmhal": ("score", 4), "mrhal": ("hallucination_mean_paper", 0.5), "llava_bench_coco": ("relative", 0.8),
    "llava_bench_wild": ("relative", 9 / 8), "refomb": ("win", 1),
    "hallusionbench": ("fAcc", 1), "vqav2": ("accuracy", 1),
}  # fmt: skip


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def invent_rows(folder):
    turns = [{"value": text} for text in ("<image>\nInvented question?", "Yes.", "Sure?", "Yes.")]
    dialogues = [{"id": n, "image": f"mr{n}.png", "image_content": ["Cup"], "revised": turns} for n in range(4)]
    (folder / "mrhal" / "eval_gt.json").write_text(json.dumps(dialogues))
    asked = [{"question_id": n, "image": f"w{n % 24}.png", "text": "Invented?", "category": "conv"} for n in range(60)]
    write_lines(folder / "llava_bench_wild" / "questions.jsonl", asked)
    write_lines(folder / "llava_bench_wild" / "answers_gpt4.jsonl", [row | {"text": "Yes."} for row in asked])
    write_lines(
        folder / "llava_bench_wild" / "context.jsonl", [{"image": f"w{n}.png", "caption": "?"} for n in range(24)]
    )
    row = {"category": "VD", "subcategory": "invented", "visual_input": "1", "question": "Is it?", "gt_answer": "1"}
    row |= {"gt_answer_details": "It is.", "question_id": "0"}
    figures = [row | {"set_id": str(n // 4), "figure_id": str(n % 4), "filename": "h.png"} for n in range(1129)]
    (folder / "hallusionbench" / "HallusionBench.json").write_text(json.dumps(figures))
    questions = [{"question_id": n, "image_id": n, "question": "Invented?"} for n in range(5)]
    people = [
        {"question_id": n, "answer_type": "other", "answers": [{"answer": f"about vqav2-{n}"}] * 10} for n in range(5)
    ]
    (folder / "vqav2" / "v2_OpenEnded_mscoco_val2014_questions.json").write_text(json.dumps({"questions": questions}))
    (folder / "vqav2" / "v2_mscoco_val2014_annotations.json").write_text(json.dumps({"annotations": people}))


@pytest.fixture(scope="module")
def folder(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("official")
    for name, source in (("mmhal", "mmhal_bench"), ("llava_bench", "llava_bench"), ("refomb", "refomb")):
        shutil.copytree(shared_data / source, folder / name)
    for name in ("mrhal", "llava_bench_wild", "hallusionbench", "vqav2"):
        (folder / name).mkdir()
    invent_rows(folder)
    rows = [json.loads(line) for line in (folder / "refomb" / "RefoMB_dev.jsonl").read_text().splitlines()]
    write_lines(folder / "refomb" / "RefoMB_gpt4v_dev.jsonl", [row | {"answer": "Invented."} for row in rows])
    replies = []
    for benchmark in build_benchmarks(NAMES):
        name = benchmark.card.name
        for question in load_questions(benchmark, Setup("strict", find_data(name, folder))):
            for image in question.images:
                path = folder / "synthetic-stand-ins" / image
                path.parent.mkdir(exist_ok=True)
                Image.new("RGB", (2, 2)).save(path.with_suffix(".png"))
                path.with_suffix(".png").rename(path)
            for prompt, reply in REPLIES[name].items():
                place = f"{question.id}-trust" if prompt.endswith("trust") else question.id
                replies.append({"prompt": prompt, "id": place, "reply": reply})
    write_lines(folder / "judge.jsonl", replies)
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
    assert evaluation.complete


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


def test_images_that_are_missing_for_some_rows_are_named(settings, folder, tmp_path):
    shutil.copytree(folder / "synthetic-stand-ins", tmp_path / "images")
    (tmp_path / "images" / "mr2.png").unlink()
    with pytest.raises(DataError, match=r"mr2\.png"):
        evaluate(replace(settings, image_root=tmp_path / "images"), tmp_path / "run", ask=script)
