"""HallusionBench: the recorded set, groups of questions and figures, and what a judge may say."""

from __future__ import annotations

import json

import pytest

from errata.benchmarks import Benchmark, Setup, join_answers, read_given_answers
from errata.benchmarks.hallusionbench.benchmark import HallusionBench, build_questions
from errata.benchmarks.hallusionbench.rule import count_yes, find_cause, read_check, read_same
from errata.errors import DataError
from judged_runs import answer_all, reply_by_id, run_judged, values_of

SAID = {"0": "incorrect", "1": "correct", "2": "unclear"}


class Few(HallusionBench):
    """The rows of a test in place of the 1129."""

    def load(self, setup):
        rows = json.loads((setup.data / "HallusionBench.json").read_text())
        return build_questions([(str(number), row) for number, row in enumerate(rows)], setup)


def build_row(row, **more):
    known = {"question": "Is it so?", "gt_answer_details": "It is so.", "sample_note": "", "filename": None}
    return known | row | more


@pytest.fixture
def recorded(vectors, tmp_path):
    (case,) = vectors("misc_amber_refomb_hallusion")["hallusionbench"]["cases"]
    (tmp_path / "HallusionBench.json").write_text(json.dumps([build_row(row) for row in case["rows"]]))
    return tmp_path, case


def run(folder, replies, mode, same=lambda request: "different", **options):
    rules = {"hallusionbench-check": reply_by_id(replies), "hallusionbench-same": same}
    return run_judged(Few(), Setup(mode, folder), rules, folder, **options)


def say_recorded(folder, case):
    questions = Few().load(Setup("official", folder))
    return {question.id: SAID[row["c"]] for question, row in zip(questions, case["rows"], strict=True)}


@pytest.mark.parametrize("mode", ["official", "strict"])
def test_the_recorded_set(recorded, mode):
    folder, case = recorded
    measured, official = run(folder, say_recorded(folder, case), mode), case["official"]
    (result,) = measured.results
    assert [item["right"] for item in result.items] == official["correct"]
    for name, part in (
        ("aAcc", "all"), ("qAcc", "pair_all"), ("easy", "pair_easy"), ("hard", "pair_hard"), ("fAcc", "fig"),
    ):  # fmt: skip
        metric = result.metrics[name]
        assert (metric.numerator, metric.n) == (official[part]["correct"], official[part]["total"]), name
    assert isinstance(Few(), Benchmark)


def test_the_recorded_split_of_errors(recorded):
    folder, case = recorded
    questions = Few().load(Setup("official", folder))
    agree = {
        f"{q.id}-same": ("different", "same")[int(row["same"])] for q, row in zip(questions, case["rows"], strict=True)
    }
    metrics = run(folder, say_recorded(folder, case), "official", reply_by_id(agree)).results[0].metrics
    pairs, figures, bias = (case["official"][part] for part in ("pair_all", "fig", "yes_ratio"))
    split = {name: metrics[name].numerator for name in ("language", "vision", "mixed")}
    assert split == {"language": pairs["LH_cg"], "vision": pairs["VI_cg"], "mixed": pairs["Mix_cg"]}
    assert metrics["mixed"].n == sum(split.values())
    assert metrics["figures_inconsistent"].numerator == figures["inconsistent"]
    assert metrics["figures_wrong"].numerator == figures["wrong"]
    assert (metrics["yes_bias"].value, metrics["wrong_yes"].value) == (bias["diff"], bias["fp"])


@pytest.mark.parametrize(
    ("visual", "before", "found", "hard", "same", "cause"),
    [
        (True, None, 0, False, None, "vision"), (True, None, 2, False, None, "vision"),
        (False, None, 0, False, None, "language"), (False, None, 2, False, None, None),
        (True, 1, 0, True, True, "mixed"), (True, 1, 0, True, False, "vision"), (True, 1, 0, True, None, None),
        (True, 1, 2, True, None, "vision"), (True, 0, 0, True, True, "vision"), (True, 2, 2, True, None, "vision"),
        (False, 0, 0, False, True, "language"), (False, 0, 0, True, False, "mixed"), (False, 0, 2, True, None, "mixed"),
        (False, 2, 0, True, True, "vision"), (False, 2, 2, False, None, "vision"), (False, 1, 2, True, None, "vision"),
        (False, 1, 0, False, True, "vision"), (False, 1, 0, True, True, "language"),
        (False, 1, 0, True, False, "vision"), (False, 1, 1, True, None, None), (True, 0, None, True, None, None),
    ],
)  # fmt: skip
def test_the_cause_of_an_error(visual, before, found, hard, same, cause):
    item = {"visual": visual, "found": found, "hard": hard, "same": same, "beside": None if before is None else "o"}
    assert find_cause(item, None if before is None else {"found": before}) == cause


def test_an_error_whose_original_was_not_judged_has_no_cause():
    item = {"visual": True, "found": 0, "hard": True, "same": True, "beside": "o"}
    assert find_cause(item, None) is find_cause(item, {"found": None}) is None


def test_only_wrong_answers_about_other_figures_are_compared(recorded):
    folder, case = recorded
    asked = []
    run(folder, say_recorded(folder, case), "strict", lambda request: asked.append(request.call) or "same")
    ids = [call.id for call in asked]
    assert ids == ["hallusion-VS-chart-0-1-1-same", "hallusion-VS-chart-0-2-1-same"], ids
    assert asked[0].values == {
        "answer": "About hallusion-VS-chart-0-1-1.",
        "original": "About hallusion-VS-chart-0-0-1.",
    }


def test_an_unreadable_comparison_is_counted_and_keeps_the_accuracy(recorded):
    folder, case = recorded
    metrics = run(folder, say_recorded(folder, case), "strict", lambda request: "()").results[0].metrics
    assert (metrics["aAcc"].n, metrics["unreadable"].numerator) == (6, 2)


@pytest.mark.parametrize(
    ("reply", "official", "strict"),
    [
        ("same", True, True), ("**Different**", False, False), ("not the same", True, None), ("", False, None),
        ("different, not same", True, None), ("gleich", False, None),
    ],
)  # fmt: skip
def test_what_a_judge_may_say_of_two_answers(reply, official, strict):
    assert read_same(reply, "official") is official
    if strict is None:
        with pytest.raises(ValueError, match="not one of"):
            read_same(reply, "strict")
    else:
        assert read_same(reply, "strict") is strict


def test_an_unclear_answer_says_neither_yes_nor_no_in_strict_mode():
    assert count_yes(0, "no", 2, "official") == {"yes_bias": [1, 1], "wrong_yes": [1, 1]}
    assert count_yes(0, "no", 2, "strict") == {}
    assert count_yes(1, "yes", 1, "strict") == {"yes_bias": [0, 1]}
    assert count_yes(0, "yes", 0, "strict") == {"yes_bias": [-1, 1], "wrong_yes": [0, 1]}


def test_recorded_questions_without_a_figure_have_no_image_and_may_be_unclear(recorded):
    questions = Few().load(Setup("strict", recorded[0]))
    assert [question.images for question in questions[:3]] == [(), (), ("hallusion_bench/VS/chart/0_1.png",)]
    assert [question.meta["blind"] for question in questions] == [True, True] + [False] * 4


@pytest.mark.parametrize(
    ("reply", "official", "strict"),
    [
        ("correct", 1, 1), ("Incorrect.", 0, 0), ("**Unclear**", 2, 2), ("The answer is correct.", 1, 1),
        ("Partially correct", 1, None),
        ("not incorrect", 0, None), ("It is not quite correct", 1, None), ("This isn't correct", 1, None),
        ("correct or incorrect", 0, None), ("It answers incorrectly", 0, None), ("yes", 2, None), ("", 2, None),
        ("()", 2, None), ("8, 9", 2, None), ("richtig", 2, None), ("正确", 2, None),
    ],
)  # fmt: skip
def test_what_a_judge_may_say(reply, official, strict):
    assert read_check(reply, "official") == official
    if strict is None:
        with pytest.raises(ValueError, match="not one of"):
            read_check(reply, "strict")
    else:
        assert read_check(reply, "strict") == strict


def test_an_unreadable_check_takes_its_groups_out_and_is_counted(recorded):
    folder, case = recorded
    replies = say_recorded(folder, case) | {"hallusion-VS-chart-0-1-0": "no idea"}
    metrics = run(folder, replies, "strict").results[0].metrics
    assert (metrics["aAcc"].n, metrics["qAcc"].n, metrics["fAcc"].n, metrics["hard"].n) == (5, 1, 1, 2)
    assert metrics["unreadable"].numerator == 1
    assert run(folder, replies, "official").results[0].metrics["qAcc"].n == 2


def test_a_missing_answer_makes_no_group_complete_in_strict_mode(recorded):
    folder, case = recorded
    answers = answer_all(Few().load(Setup("strict", folder)))[:-1]
    replies = say_recorded(folder, case)
    assert values_of(run(folder, replies, "official", answers=answers))["qAcc"] == 0.5
    strict = run(folder, replies, "strict", answers=answers).results[0].metrics
    assert (strict["qAcc"].value, strict["qAcc"].n) == (1, 1)


def test_answers_in_the_released_form_find_their_questions(recorded):
    folder, case = recorded
    rows = [build_row(row, model_prediction=f"Answer {n}.") for n, row in enumerate(case["rows"])]
    (folder / "said.json").write_text(json.dumps(rows[::-1]))
    questions = Few().load(Setup("strict", folder))
    joined = join_answers(read_given_answers(folder / "said.json"), questions, where="said")
    expected = {question.id: f"Answer {number}." for number, question in enumerate(questions)}
    assert {answer.id: answer.text for answer in joined} == expected


def test_other_files_are_named(recorded):
    folder, case = recorded
    with pytest.raises(DataError, match="6 rows; expected 1129 rows"):
        HallusionBench().load(Setup("strict", folder))
    rows = [build_row(row) for row in case["rows"]]
    (folder / "HallusionBench.json").write_text(json.dumps([*rows, rows[0]]))
    with pytest.raises(DataError, match="hallusion-VS-chart-0-0-0 again"):
        Few().load(Setup("strict", folder))
    (folder / "HallusionBench.json").write_text(json.dumps([{"category": "VS"}]))
    with pytest.raises(DataError, match="no 'subcategory'"):
        HallusionBench().load(Setup("strict", folder))
