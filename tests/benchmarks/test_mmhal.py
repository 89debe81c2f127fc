"""MMHal-Bench: reading ratings, the recorded summaries, the cycle of types, and replies that hold no rating."""

from __future__ import annotations

import json

import pytest

from errata.benchmarks import Reply, Setup, join_answers, read_given_answers
from errata.benchmarks.mmhal import TYPES, MMHal, read_rating
from errata.errors import DataError
from errata.records import Answer
from judged_runs import answer_all, reply_by_id, run_judged, values_of


def build_rows():
    return [
        {
            "question_type": TYPES[n % 8], "question_topic": f"topic {n // 8}", "image_id": f"{n:016x}",
            "image_src": f"https://photos.example/{n}_o.jpg", "image_content": ["Cup", "Table"],
            "question": f"What is on table {n}?", "gt_answer": "A cup.", "model_answer": "",
        }
        for n in range(96)
    ]  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, build_rows())
    return tmp_path


def write(folder, rows):
    (folder / "response_template.json").write_text(json.dumps(rows))


def run(folder, replies, mode, **options):
    rule = reply_by_id({f"mmhal-{n}": reply for n, reply in enumerate(replies, 1)})
    return run_judged(MMHal(), Setup(mode, folder), {"mmhal-rating": rule}, folder, **options)


def test_recorded_ratings(vectors):
    for case in vectors("mmhal")["per_response"]:
        found = read_rating(case["response"], "official")
        assert found == case["scores_found"], case
        assert (found[0] if len(found) == 1 else 0) == case["score"]


@pytest.mark.parametrize("index", range(3))
def test_recorded_summaries(vectors, folder, index):
    case = vectors("mmhal")["sets"][index]
    values = values_of(run(folder, case["responses"], "official"))
    by_type = ",".join(str(round(values[f"score_{kind}"], 2)) for kind in TYPES)
    assert [
        f"Informativeness: {100 * values['informativeness']:.2f}",
        f"Average score: {values['score']:.2f}",
        f"Hallucination rate: {values['hallucination']:.2f}",
        f"Average score for each question type: {by_type}",
    ] == case["RLHF-V_summarize"]["lines"]
    assert values["unreadable"] * 96 == case["LLaVA-RLHF_summarize"]["n_warnings"]


@pytest.mark.parametrize(
    ("reply", "rating"),
    [
        ("Rating: 4", 4), ("Rating:5", 5), ("**Rating:** 2", 2), ("Rating: **2**", 2), ("Rating:\n4", 4),
        ("Rating: [4]", 4), ("ratings: [5]", 5), ("Rating: 4/6", 4), ("RATING： 6。", 6), ("Rating: 4\nRating: 4", 4),
        ("At first rating: 1, but:\n\n**Rating: 3**\n", 3), ("Rating: 6, very informative", 6), ("Rating: 5.", 5),
        ('A "Rating: 2" would be unfair.\nRating: 5', 5),
    ],
)  # fmt: skip
def test_strict_mode_reads_what_is_meant(reply, rating):
    assert read_rating(reply, "strict") == [rating]


@pytest.mark.parametrize(
    "reply",
    [
        "", "No rating given", "Rating: six", "Rating: 10", "Rating: 7", "Rating: -1", "Rating: 3.5", "Rating: 60",
        "Rating: 3 or 4", "Rating: 2-3", "Rating: 4/10", "Score: 4", "Operating: 3", "评分：5", "Bewertung: 5",
        "First rating: 1, final Rating: 2", "rating: 3, not informative. A rating: 4 would require more.",
        "Rating: ()", "Rating: 2 or Rating: 3", '{"score": 4}',
    ],
)  # fmt: skip
def test_strict_mode_takes_nothing_for_a_rating_that_is_none(reply):
    with pytest.raises(ValueError, match="rating"):
        read_rating(reply, "strict")


def test_strict_mode_leaves_the_unreadable_out_and_counts_it(folder):
    replies = ["Rating: 10"] * 8 + ["Rating:5"] * 80 + ["Rating: 6, or Rating: 1"] * 8
    official = run(folder, replies, "official")
    assert values_of(official)["score"] == pytest.approx(8 / 96)
    measured = run(folder, replies, "strict", attempts=2)
    values, metrics = values_of(measured), measured.results[0].metrics
    assert (values["score"], values["hallucination"], metrics["score"].n) == (5, 0, 80)
    assert (metrics["unreadable"].numerator, metrics["unreadable"].n) == (16, 96)
    assert measured.coverage.unreadable == 16
    assert measured.results[0].items[0]["rating"] is None


def test_types_come_from_the_rows_and_not_from_the_place_of_an_answer(folder):
    questions = MMHal().load(Setup("official", folder))
    answers = answer_all(questions)[::-1][:50]
    rule = reply_by_id({q.id: f"Rating: {n % 8 % 7}" for n, q in enumerate(questions)})
    measured = run_judged(MMHal(), Setup("official", folder), {"mmhal-rating": rule}, folder, answers=answers)
    values = values_of(measured)
    assert [values[f"score_{kind}"] for kind in TYPES] == [0, 1, 2, 3, 4, 5, 6, 0]
    assert (measured.coverage.answered, measured.coverage.complete) == (50, False)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: rows.pop(), "95 rows; expected 96 rows"),
        (lambda rows: rows.insert(0, rows.pop(1)), "row 1: type 'adversarial'; expected type 'attribute'"),
        (lambda rows: rows[3].pop("gt_answer"), "row 4: no 'gt_answer'"),
        (lambda rows: rows[3].update(image_content="Cup"), "row 4: 'image_content' is str"),
        (lambda rows: rows[3].update(image_content=[{"class": "Cup"}]), "row 4: another type in it"),
        (lambda rows: rows.__setitem__(5, ["a list"]), "row 6: list; expected a JSON object"),
    ],
)
def test_another_version_of_the_file_is_named(folder, spoil, message):
    rows = build_rows()
    spoil(rows)
    write(folder, rows)
    with pytest.raises(DataError, match=message):
        MMHal().load(Setup("strict", folder))


def test_answers_in_the_released_template_find_their_questions(folder):
    rows = [row | {"model_answer": f"Answer {n}."} for n, row in enumerate(build_rows(), 1)]
    (folder / "answers.json").write_text(json.dumps(rows[::-1]))
    given = read_given_answers(folder / "answers.json")
    joined = join_answers(given, MMHal().load(Setup("strict", folder)), where="answers")
    assert {answer.id: answer.text for answer in joined} == {f"mmhal-{n}": f"Answer {n}." for n in range(1, 97)}


def test_without_a_file_it_says_where_it_comes_from(tmp_path):
    for data in (None, tmp_path):
        with pytest.raises(DataError, match="errata bench info mmhal"):
            MMHal().load(Setup("strict", data))


def test_the_released_rows(shared_data):
    questions = MMHal().load(Setup("strict", shared_data / "mmhal_bench"))
    assert [q.meta["question_type"] for q in questions] == [*TYPES] * 12
    assert len({q.images for q in questions}) == 96
    (call,) = MMHal().judge(questions[0], Reply(Answer("mmhal-1", "It is red.")), Setup())
    message = call.render()
    for part in ("Fire hydrant", "What color is the fire hydrant cap", "in the image is yellow", "It is red."):
        assert part in message
