"""VQAv2: the recorded accuracies, what strict mode spells alike, and the two released files."""

from __future__ import annotations

import json

import pytest

from errata.benchmarks import Setup
from errata.benchmarks.vqav2 import VQAv2, score_answer
from errata.errors import ConfigError, DataError
from errata.records import Answer
from judged_runs import run_judged, values_of

KINDS = ("yes/no", "number", "other")


@pytest.fixture
def folder(tmp_path):
    questions = [{"image_id": n // 3, "question": f"What {n}?", "question_id": 10 * n} for n in range(6)]
    said = ("yes", "two", "a dog")
    rows = [
        {"question_id": 10 * n, "image_id": n // 3, "answer_type": KINDS[n % 3], "question_type": "what",
         "answers": [{"answer": said[n % 3], "answer_confidence": "yes", "answer_id": i} for i in range(1, 11)]}
        for n in reversed(range(6))
    ]  # fmt: skip
    (tmp_path / "v2_OpenEnded_mscoco_val2014_questions.json").write_text(json.dumps({"questions": questions}))
    (tmp_path / "v2_mscoco_val2014_annotations.json").write_text(json.dumps({"annotations": rows}))
    return tmp_path


def test_recorded_accuracies(vectors):
    for case in vectors("vqa_accuracy")["cases"]:
        assert 100 * score_answer(case["answer"], case["people"], "official") == pytest.approx(case["accuracy"]), case


def test_recorded_spellings(vectors):
    for case in vectors("vqa_accuracy")["spelling"]:
        people = [case["spelled"]] * 9 + ["something else"]
        assert score_answer(case["text"], people, "official") == pytest.approx(1), case


@pytest.mark.parametrize(
    ("answer", "person"),
    [
        ("Yes", "yes"), ("yes.", "yes"), ("Two", "2"), ("A dog.", "dog"), ("T-shirt", "t shirt"), ("dont", "don't"),
        ("1,000", "1000"), ("Black/white", "black, white"), ("ＮＯ", "no"), ("3.5.", "3.5"), ("one\ntwo", "1 2"),
    ],
)  # fmt: skip
def test_strict_mode_spells_both_alike_also_where_all_agree(answer, person):
    assert score_answer(answer, [person] * 10, "official") == 0
    assert score_answer(answer, [person] * 10, "strict") == 1


def test_one_person_alone_is_worth_three_tenths_and_another_answer_nothing():
    for mode in ("official", "strict"):
        assert score_answer("cat", ["cat"] + ["dog"] * 9, mode) == pytest.approx(0.3)
        assert score_answer("", ["cat"] + ["dog"] * 9, mode) == 0
        assert score_answer("it is a cat", ["cat"] * 9 + ["dog"], mode) == 0


def test_accuracy_in_all_and_per_type(folder):
    said = {"vqav2-0": "yes", "vqav2-30": "no", "vqav2-10": "2", "vqav2-40": "two", "vqav2-20": "dog", "vqav2-50": ""}
    answers = [Answer(name, text) for name, text in said.items()]
    measured = run_judged(VQAv2(), Setup("strict", folder), {}, folder, answers=answers)
    assert values_of(measured) == pytest.approx(
        {"accuracy": 4 / 6, "accuracy_yes_no": 0.5, "accuracy_number": 1, "accuracy_other": 0.5}
    )
    assert measured.coverage.empty == 1
    official = values_of(run_judged(VQAv2(), Setup("official", folder), {}, folder, answers=answers))
    assert official["accuracy"] == pytest.approx(2 / 6)


def test_questions_end_with_the_suffix_and_can_be_drawn(folder):
    (first, *_) = VQAv2().load(Setup("strict", folder))
    assert first.prompt[0].text == "What 0?\nAnswer the question using a single word or phrase."
    assert first.images == ("COCO_val2014_000000000000.jpg",)
    drawn = VQAv2(questions=3, suffix="").load(Setup("strict", folder, seed=4))
    assert [q.id for q in drawn] == [q.id for q in VQAv2(questions=3).load(Setup("strict", folder, seed=4))]
    assert len({q.id for q in drawn}) == 3
    assert "\n" not in drawn[0].prompt[0].text
    with pytest.raises(ConfigError, match="7 of 6"):
        VQAv2(questions=7).load(Setup("strict", folder))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.pop(), "question 0: none; expected answers to it"),
        (lambda rows: rows[-1].update(answer_type="colour"), "question 0: none; expected answers to it"),
        (lambda rows: rows[-1].update(answers={"answer": "yes"}), "question 0: none; expected answers to it"),
        (lambda rows: rows[-1].pop("question_id"), "expected a list 'annotations' with question_id"),
    ],
)
def test_other_files_are_named(folder, change, message):
    path = folder / "v2_mscoco_val2014_annotations.json"
    content = json.loads(path.read_text())
    change(content["annotations"])
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        VQAv2().load(Setup("strict", folder))
