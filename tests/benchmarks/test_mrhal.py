"""MRHal-Bench: the recorded replies and summaries, both readings of the mean rate, and lists that are none."""

from __future__ import annotations

import json

import pytest

from errata.benchmarks import Setup
from errata.benchmarks.mrhal import MRHal, read_ratings
from errata.errors import DataError
from errata.records import Answer
from judged_runs import reply_by_id, run_judged, values_of


def write(folder, rounds):
    rows = []
    for number, count in enumerate(rounds):
        turns = [{"from": ("human", "gpt")[n % 2], "value": f"turn {n} of {number}"} for n in range(2 * count)]
        turns[0]["value"] = "<image>\n" + turns[0]["value"]
        rows.append({"id": number, "image": f"{number}.jpg", "image_content": ["Cat"], "label": [], "revised": turns})
    (folder / "eval_gt.json").write_text(json.dumps(rows))
    return rows


def run(folder, records, mode, **options):
    write(folder, [record["rounds"] for record in records])
    rule = reply_by_id({f"mrhal-{n}": record["judge_text"] for n, record in enumerate(records)})
    return run_judged(MRHal(), Setup(mode, folder), {"mrhal-ratings": rule}, folder, **options)


def summarise(measured):
    values = values_of(measured)
    return [
        f"Cumulative Average score: {values['score_cumulative']:.2f}",
        f"Cumulative Hallucination rate: {values['hallucination_cumulative']:.2f}",
        f"Mean Average score: {values['score_mean']:.2f}",
        f"Mean Hallucination rate: {values['hallucination_mean_release']:.2f}",
        "-------------",
    ]


def test_recorded_replies(vectors, tmp_path):
    for number, case in enumerate(vectors("mrhal")["per_record"]):
        folder = tmp_path / str(number)
        folder.mkdir()
        measured, official = run(folder, [case], "official"), case["official"]
        if official["error"]:
            assert measured.results[0].metrics["score_cumulative"].value is None, case
            assert measured.results[0].metrics["unreadable"].value == 1
        else:
            assert [item["ratings"] for item in measured.results[0].items] == official["ratings"]
            assert summarise(measured) == official["summary"]


def test_recorded_sequences(vectors, tmp_path):
    for case in vectors("mrhal")["sequences"]:
        folder = tmp_path / case["name"]
        folder.mkdir()
        measured, official = run(folder, case["records"], "official"), case["official"]
        ratings = [item["ratings"] for item in measured.results[0].items]
        if official["error"]:
            assert ratings == [[6, 3], []]
        else:
            assert ratings == official["ratings"]
            assert summarise(measured) == official["summary"]


def test_a_reply_without_a_list_borrows_no_other_ratings_in_strict_mode(tmp_path):
    records = [{"rounds": 2, "judge_text": "Ratings: [6, 3]"}, {"rounds": 2, "judge_text": "The model refused."}]
    official = run(tmp_path, records, "official").results[0]
    assert (official.metrics["score_cumulative"].n, official.items[1]["stale"]) == (4, True)
    assert official.metrics["unreadable"].numerator == 1
    strict = run(tmp_path, records, "strict").results[0]
    assert (strict.metrics["score_cumulative"].n, strict.items[1]["ratings"]) == (2, None)
    assert (strict.metrics["unreadable"].numerator, strict.metrics["unreadable"].n) == (1, 2)


def test_both_readings_of_the_mean_rate(tmp_path):
    records = [{"rounds": 2, "judge_text": "Ratings: [5, 1]"}, {"rounds": 3, "judge_text": "Ratings: [0, 6, 6]"}]
    values = values_of(run(tmp_path, records, "strict"))
    assert values["hallucination_mean_release"] == 0
    assert values["hallucination_mean_paper"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert values["hallucination_cumulative"] == pytest.approx(2 / 5)


@pytest.mark.parametrize(
    ("reply", "ratings"),
    [
        ("Ratings: (6, 3)", [6, 3]), ("Ratings: [\n6,\n3]", [6, 3]), ("Ratings: [6; 3]", [6, 3]),
        ("Ratings: [6/6, 3.0]", [6, 3]), ("**Ratings:** [6, 3]\nHallucination: [No, No]", [6, 3]),
        ("In [1], [2] and [3] fine. Ratings: [6, 3]", [6, 3]), ("Ratings: [1, 1] at first\nRatings: [6, 3]", [6, 3]),
    ],
)  # fmt: skip
def test_strict_mode_reads_what_is_meant(reply, ratings):
    assert read_ratings(reply, 2, "strict") == ratings


@pytest.mark.parametrize(
    "reply",
    [
        "", "()", "Ratings: ()", "Ratings: []", "Ratings: [6]", "Ratings: [6, 3, 4]", "Ratings: [N/A, N/A]",
        "Ratings: [6, three]", "Ratings: [-1, 3]", "Ratings: [7, 3]", "Ratings: {1: 6, 2: 3}",
        "Hallucination: [Yes, No]", "8, 9", "Ratings: [8, 9]", "Ratings: [6, 3] or Ratings: [3, 6]",
        "Ratings: [[6], [3]]", "评分：[6, 3]",
    ],
)  # fmt: skip
def test_strict_mode_takes_no_other_list(reply):
    with pytest.raises(ValueError, match="rating"):
        read_ratings(reply, 2, "strict")


def test_rounds_are_asked_one_after_another(tmp_path):
    write(tmp_path, [3, 1])
    first, second = MRHal().load(Setup("strict", tmp_path))
    assert (first.prompt[0].text, first.followups) == ("turn 0 of 0", ("turn 2 of 0", "turn 4 of 0"))
    assert first.meta["references"] == ["turn 1 of 0", "turn 3 of 0", "turn 5 of 0"]
    assert second.followups == ()


def test_an_answer_that_lacks_a_round_is_named(tmp_path):
    write(tmp_path, [3])
    with pytest.raises(DataError, match="answer mrhal-0: 1 answer; expected one per round, 3"):
        run_judged(MRHal(), Setup("strict", tmp_path), {}, tmp_path, answers=[Answer("mrhal-0", "A cat.")])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: rows[1].pop("image_content"), "row 2: no 'image_content'"),
        (lambda rows: rows[1]["revised"].pop(), "row 2: 1 of 1 turns with a value"),
        (lambda rows: rows[1]["revised"].append({"from": "gpt"}), "row 2: 2 of 3 turns"),
        (lambda rows: rows[1].update(image_content=[1]), "row 2: another type in it"),
        (lambda rows: rows[1].update(id=0), "mrhal-0 again"),
        (lambda rows: rows.clear(), "no rows"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tmp_path, spoil, message):
    rows = write(tmp_path, [1, 1])
    spoil(rows)
    (tmp_path / "eval_gt.json").write_text(json.dumps(rows))
    with pytest.raises(DataError, match=message):
        MRHal().load(Setup("strict", tmp_path))
