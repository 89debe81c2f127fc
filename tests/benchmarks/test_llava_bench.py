"""LLaVA-Bench: the recorded reviews and summaries of each lineage, and reviews that hold no two scores."""

from __future__ import annotations

import json

import pytest

from errata.benchmarks import Setup
from errata.benchmarks.llava_bench.benchmark import LlavaBenchCoco, LlavaBenchWild
from errata.benchmarks.llava_bench.score import CATEGORIES, count_scores, read_scores
from errata.errors import DataError
from judged_runs import reply_by_id, run_judged, values_of


def write(folder, name, rows):
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def coco(tmp_path):
    asked = [
        {"question_id": n, "image": f"{n // 3}.jpg", "text": f"Q{n}?", "category": CATEGORIES[n % 3]} for n in range(90)
    ]
    said = [{"question_id": n, "text": f"Reference {n}.", "category": CATEGORIES[n % 3]} for n in reversed(range(90))]
    box = {"category": "dog", "bbox": [0.1, 0.2, 0.3, 0.4]}
    context = [
        {"id": str(n), "image": f"{n}.jpg", "captions": [f"Caption {n}."], "instances": [box]} for n in range(80)
    ]
    write(tmp_path, "qa90_questions.jsonl", asked)
    write(tmp_path, "qa90_gpt4_answer.jsonl", said)
    write(tmp_path, "caps_boxes_coco2014_val_80.jsonl", context)
    return tmp_path


@pytest.fixture
def wild(tmp_path):
    asked = [{"question_id": n, "image": f"{n % 24:03}.jpg", "text": "Q?", "category": "conv"} for n in range(60)]
    write(tmp_path, "questions.jsonl", asked)
    write(tmp_path, "answers_gpt4.jsonl", [{"question_id": n, "text": "R."} for n in range(60)])
    write(tmp_path, "context.jsonl", [{"image": f"{n:03}.jpg", "caption": ["One.", "Two."]} for n in range(24)])
    return tmp_path


def score(lines, lineage, mode="official"):
    benchmark = LlavaBenchCoco(lineage=lineage)
    items = [
        {"id": str(n), "image": str(n), **count_scores([line["tuple"]], line["category"], lineage)}
        for n, line in enumerate(lines)
    ]
    return benchmark.score(items, Setup(mode))[0]


def test_recorded_reviews(vectors):
    for case in vectors("llava_bench")["parse_score"]:
        assert read_scores(case["review"], "official") == case["tuple"], case


@pytest.mark.parametrize("lineage", ["RLHF-V", "LLaVA", "AMP"])
def test_recorded_summaries(vectors, lineage):
    for case in vectors("llava_bench")["summaries"]:
        result = score(case["lines"], lineage.lower())
        printed, official = result.settings["released"], case["official"][lineage]
        if case["name"] == "zero_reference":
            assert (printed, result.metrics["relative"].value) == ({}, None)
            continue
        lines = [line for line in official["stdout"] if not line.startswith("#")]
        assert len(lines) == len(printed)
        for line in lines:
            name, *numbers = line.replace("[", "").replace("]", "").replace(",", "").split()
            relative, reference, candidate = printed[name.removeprefix("llava_bench_")]
            if lineage == "RLHF-V":
                assert [round(float(one) * 10, 1) for one in numbers[:2]] == [reference, candidate]
                assert float(numbers[2]) == relative
            else:
                assert [float(one) for one in numbers] == [relative, reference, candidate]
        metric = result.metrics["relative"].value
        assert 100 * metric == pytest.approx(printed["all"][0], abs=0.06)


@pytest.mark.parametrize(
    ("review", "scores"),
    [
        ("8 9", [8, 9]), ("8, 9", [8, 9]), ("8 , 9", [8, 9]), (" 8 9 ", [8, 9]), ("8\t9", [8, 9]), ("\n8 9", [8, 9]),
        ("8/10 9/10", [8, 9]), ("Scores: 8 9", [8, 9]), ("[8, 9]", [8, 9]), ("8;9", [8, 9]), ("8 and 9", [8, 9]),
        ("8.5 9.5\nAssistant 1 names 3 dogs.", [8.5, 9.5]), ("Assistant 1: 8, Assistant 2: 9", [8, 9]),
    ],
)  # fmt: skip
def test_strict_mode_reads_what_is_meant(review, scores):
    assert read_scores(review, "strict") == scores


@pytest.mark.parametrize(
    "review",
    [
        "```\n8 6\n```\nThe first is fuller.", "Here are the scores:\n8 6\nThe first is fuller.", "~~~text\n8 6\n~~~",
        "```json\n[8, 6]\n```", "I compare 2 answers about 1 image:\n\n8 6", "Scores: 8 6", "The scores are 8, 6",
        '{"assistant_1": 8, "assistant_2": 6}', "{'assistant_1': 8, 'assistant_2': 6}", "3 3 perhaps\n8 6", "'8 6'",
        "**Scores**\n\n**8/10 6/10**", "Sure!\nAssistant 1: 8, Assistant 2: 6",
    ],
)  # fmt: skip
def test_strict_mode_finds_the_first_line_of_scores_alone(review):
    assert read_scores(review, "strict") == [8, 6]


@pytest.mark.parametrize(
    "review",
    [
        "", "8", "8\n9", "-1 5", "0 5", "11 5", "nan 9", "inf 9", "0x8 9", "1e1 5", "()", "8 9 7", "8,5 9,5",
        "I cannot rate 2 answers with 1 picture.", "I compare 2 answers about 1 image.\nBoth are fine.",
        "1. Assistant 1 gets 8.\n2. Assistant 2 gets 9.", "Both are fine.",
        "Assistant 1: 8\nAssistant 2: 9", '{"first": 8}', "eight nine", "八分 九分",
    ],
)  # fmt: skip
def test_strict_mode_takes_nothing_else_for_scores(review):
    with pytest.raises(ValueError, match="not two scores"):
        read_scores(review, "strict")


def test_failed_reviews_count_as_each_lineage_says_and_never_in_strict_mode(coco):
    rules = {
        prompt: reply_by_id({"llava_bench_coco-0": "8 nine"}, "10 8")
        for prompt in ("llava_bench_coco-review", "llava_bench_wild-review")
    }
    for mode, lineage, n, relative in (
        ("official", "llava", 90, (89 * 8 - 1) / (89 * 10 - 1)),
        ("official", "amp", 90, (89 * 8 - 1) / (89 * 10 - 1)),
        ("official", "rlhf-v", 89, 0.8),
        ("strict", "llava", 89, 0.8),
    ):
        measured = run_judged(LlavaBenchCoco(lineage=lineage), Setup(mode, coco), rules, coco)
        assert values_of(measured)["relative"] == pytest.approx(relative)
        assert measured.results[0].metrics["candidate"].n == n
        assert measured.results[0].metrics["unreadable"].numerator == 1
        assert ("released" in measured.results[0].settings) == (mode == "official")


@pytest.mark.parametrize("mode", ["official", "strict"])
def test_a_judge_that_prefers_the_first_answer_is_found_out_and_evened_by_the_other_order(coco, mode):
    """The release always shows the reference first."""
    rules = {"llava_bench_coco-review": lambda request: "9 5"}
    plain = values_of(run_judged(LlavaBenchCoco(), Setup(mode, coco), rules, coco))
    assert (plain["relative"], plain["position"]) == (pytest.approx(5 / 9), None)
    values = values_of(run_judged(LlavaBenchCoco(swap=True), Setup(mode, coco), rules, coco))
    assert (values["relative"], values["candidate"], values["position"]) == (1, 7, 4)


def test_a_judge_that_knows_the_answers_is_not_moved_by_their_order(coco):
    def review(request):
        mine = request.call.values["reference"].startswith("About")
        return "8 10" if mine else "10 8"

    measured = run_judged(LlavaBenchCoco(swap=True), Setup("strict", coco), {"llava_bench_coco-review": review}, coco)
    values = values_of(measured)
    assert (values["relative"], values["position"], measured.judge["verdicts"]) == (0.8, 0, 180)


def test_a_review_that_failed_in_one_order_fails_the_pair(coco):
    review = lambda request: "fine" if request.call.id == "llava_bench_coco-0-swapped" else "10 8"  # noqa: E731
    for mode, n in (("official", 90), ("strict", 89)):
        rules = {"llava_bench_coco-review": review}
        metrics = run_judged(LlavaBenchCoco(swap=True), Setup(mode, coco), rules, coco).results[0].metrics
        assert (metrics["candidate"].n, metrics["unreadable"].numerator, metrics["position"].n) == (n, 1, 89)


def test_the_judge_gets_captions_and_boxes_and_amp_does_not_say_what_boxes_are(coco):
    seen = {}

    def remember(request):
        seen[request.call.id] = request.text
        return "5 5"

    rules = dict.fromkeys(("llava_bench_coco-review", "llava_bench_wild-review"), remember)
    run_judged(LlavaBenchCoco(), Setup("official", coco), rules, coco)
    message = seen["llava_bench_coco-4"]
    for part in ("Caption 1.\n\ndog: [0.1, 0.2, 0.3, 0.4]", "Q4?", "Reference 4.", "shares\nof the image's width"):
        assert part in message
    run_judged(LlavaBenchCoco(lineage="amp"), Setup("official", coco), rules, coco)
    assert "dog: [0.1" in seen["llava_bench_coco-4"]
    assert "boxes: left" not in seen["llava_bench_coco-4"]


def test_in_the_wild_has_captions_alone_and_categories_without_questions_no_value(wild):
    questions = LlavaBenchWild().load(Setup("strict", wild))
    assert questions[1].meta["context"] == "One.\nTwo."
    measured = run_judged(LlavaBenchWild(), Setup("strict", wild), {"llava_bench_wild-review": lambda _: "5 10"}, wild)
    values = values_of(measured)
    assert (values["relative"], values["relative_conv"], values["relative_detail"]) == (2, 2, None)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("qa90_questions.jsonl", lambda rows: rows.pop(), "89 rows; expected 90 rows"),
        ("qa90_questions.jsonl", lambda rows: rows[4].pop("category"), ":5: no 'category'"),
        ("qa90_questions.jsonl", lambda rows: rows[4].update(category="conv"), "row 5: .* expected category detail"),
        ("qa90_questions.jsonl", lambda rows: rows[4].update(question_id=3), "each question_id once"),
        ("qa90_gpt4_answer.jsonl", lambda rows: rows.pop(), "expected a reference answer in qa90_gpt4_answer.jsonl"),
        ("caps_boxes_coco2014_val_80.jsonl", lambda rows: rows.pop(0), ":1: none; expected its image 0.jpg"),
        ("caps_boxes_coco2014_val_80.jsonl", lambda rows: rows[0].update(instances=[{}]), "category and bbox"),
    ],
)
def test_files_of_another_version_are_named(coco, name, change, message):
    rows = [json.loads(line) for line in (coco / name).read_text().splitlines()]
    change(rows)
    write(coco, name, rows)
    with pytest.raises(DataError, match=message):
        LlavaBenchCoco().load(Setup("strict", coco))


def test_the_released_files(shared_data):
    questions = LlavaBenchCoco().load(Setup("strict", shared_data / "llava_bench"))
    assert [question.meta["category"] for question in questions] == [*CATEGORIES] * 30
    assert len({question.images for question in questions}) == 30
    assert "suitcase: [" in questions[0].meta["context"]
