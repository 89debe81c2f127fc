"""RefoMB: recorded verdicts, win and trust rate, answers in the other order, and replies without one verdict."""

from __future__ import annotations

import json

import pytest

from errata.benchmarks import Setup, join_answers, read_given_answers
from errata.benchmarks.refomb import RefoMB, read_choice
from errata.errors import DataError
from judged_runs import run_judged, values_of


def write(folder, name, rows):
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def folder(tmp_path):
    rows = [
        {"image_url": f"https://images.example/{n // 2}.jpg", "question": f"Why {n}?", "description": f"Scene {n}.",
         "type": ("OCR", "Relation reasoning")[n // 3 % 2], "split": "dev", "id": n, "answer": ""}
        for n in range(99)
    ]  # fmt: skip
    write(tmp_path, "RefoMB_dev.jsonl", rows)
    write(tmp_path, "RefoMB_gpt4v_dev.jsonl", [row | {"answer": f"Reference {row['id']}."} for row in rows[::-1]])
    return tmp_path


def run(folder, compare, trust=lambda request: "[[C]]", mode="strict", **options):
    rules = {"refomb-comparison": compare, "refomb-trust": trust}
    return run_judged(RefoMB(**options), Setup(mode, folder), rules, folder)


def test_recorded_verdicts(vectors):
    for case in vectors("misc_amber_refomb_hallusion")["refomb"]["post_process"]:
        if case["score"] == "IndexError":
            with pytest.raises(ValueError, match="no verdicts"):
                read_choice(case["review"], "official")
        else:
            assert read_choice(case["review"], "official") == case["score"]


def test_strict_mode_takes_no_first_of_two_verdicts():
    assert read_choice("[[A]] then [[B]]", "official") == -1
    for reply in ("[[A]] then [[B]]", "[A]", "", "()", "A", "[[D]]", "[['A']]", "两者一样好"):
        with pytest.raises(ValueError, match="verdicts"):
            read_choice(reply, "strict")
    for reply, score in (("[[a]]", -1), ("Not [[A]]:\n**[[B]]**", 1), ("[[C]], so [[C]].", 0), ("[[[B]]]", 1)):
        assert read_choice(reply, "strict") == score


def test_rates_are_wins_and_half_of_the_ties(folder):
    choice = {"0": "[[B]]", "1": "[[A]]", "2": "[[C]]"}
    compare = lambda request: f"Review of {request.call.id}. {choice[str(int(request.call.id.split('-')[1]) % 3)]}"  # noqa: E731
    trust = lambda request: "[[B]]" if "refomb-0." in request.text else "[[A]]"  # noqa: E731
    for mode in ("official", "strict"):
        values = values_of(run(folder, compare, trust, mode))
        assert values["win"] == pytest.approx((33 + 33 / 2) / 99)
        assert values["tie"] == pytest.approx(1 / 3)
        assert values["trust"] == pytest.approx(1 / 99)
        assert (values["flip"], values["unreadable"]) == (None, 0)
        assert values["win_ocr"] == values["win_relation_reasoning"] == values["win"]
        assert values["win_coarse_perception"] is None


def test_a_judge_that_prefers_the_first_answer_flips_every_verdict(folder):
    measured = run(folder, lambda request: "[[A]]", lambda request: "[[A]]", swap=True)
    values = values_of(measured)
    assert (values["win"], values["flip"], values["trust"], values["trust_flip"]) == (0.5, 1, 0.5, 1)
    assert measured.judge["verdicts"] == 4 * 99


def test_a_judge_that_knows_the_answer_does_not_flip(folder):
    def compare(request):
        side = next(name for name, text in request.call.values.items() if text.startswith("About"))
        return f"[[{side[-1].upper()}]]"

    trust = lambda request: "[[C]]"  # noqa: E731
    values = values_of(run(folder, compare, trust, swap=True))
    assert (values["win"], values["flip"], values["trust"]) == (1, 0, 0.5)


def test_an_unreadable_order_takes_its_pair_out_and_no_second_question_is_asked(folder):
    compare = lambda request: "Both are bad." if request.call.id == "refomb-3-swapped" else "[[B]]"  # noqa: E731
    measured = run(folder, compare, swap=True)
    metrics = measured.results[0].metrics
    assert (metrics["win"].n, metrics["trust"].n, metrics["unreadable"].numerator) == (98, 98, 1)
    assert measured.judge["verdicts"] == 2 * 99 + 2 * 98
    assert measured.coverage.unreadable == 1


def test_answers_are_joined_by_image_and_question(folder):
    rows = [json.loads(line) for line in (folder / "RefoMB_dev.jsonl").read_text().splitlines()]
    said = [
        {name: row[name] for name in ("image_url", "question")} | {"answer": "On " + row["question"]}
        for row in rows[::-1]
    ]
    (folder / "said.json").write_text(json.dumps(said))
    questions = RefoMB().load(Setup("strict", folder))
    joined = join_answers(read_given_answers(folder / "said.json"), questions, where="said")
    assert {answer.id: answer.text for answer in joined} == {q.id: "On " + q.prompt[0].text for q in questions}
    assert questions[5].meta["reference"] == "Reference 5."


def test_a_question_without_a_reference_answer_is_named(folder, shared_data):
    with pytest.raises(DataError, match=r"refomb: RefoMB_gpt4v_dev.jsonl: no such file"):
        RefoMB().load(Setup("strict", shared_data / "refomb"))
    path = folder / "RefoMB_gpt4v_dev.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(DataError, match=r"RefoMB_dev.jsonl:1: none; expected an answer to it in RefoMB_gpt4v_dev"):
        RefoMB().load(Setup("strict", folder))
