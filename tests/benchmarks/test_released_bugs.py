"""Bugs of the released code that no other file shows: official mode has them, strict mode does the right thing.

POPE's answers, MMHal's and MRHal's ratings, LLaVA-Bench's scores, RefoMB's and HallusionBench's verdicts, AMBER's
counts and Object HalBench's lists have theirs in the files of these benchmarks.
"""

from __future__ import annotations

import json

import pytest

from errata.benchmarks import Setup, build_truth, score_chair
from errata.benchmarks.annotations import AnnotatedImage
from errata.benchmarks.object_halbench.benchmark import EXTRACT, ObjectHalBench
from errata.judges import JudgeCall
from errata.records import Answer
from errata.text import load_coco_vocabulary
from judged_runs import run_judged


def find_objects(text, vocabulary, mode):
    result = score_chair([Answer("a", text)], {"a": set()}, vocabulary=vocabulary, mode=mode)
    return [mention["object"] for mention in result.items[0]["mentions"] if not mention["negated"]]


@pytest.mark.parametrize(
    ("text", "official", "strict"),
    [
        ("A bus.", [], ["bus"]), ("A motor bike.", [], ["motorcycle"]), ("A cheesecake.", [], ["cake"]),
        ("An iPhone.", [], ["cell phone"]), ("His bow ties.", ["tie"], ["tie"]),
        ("Two wine glasses.", ["wine glass"], ["wine glass"]), ("A stove top oven.", ["oven", "oven"], ["oven"]),
        ("A dog/cat.", [], ["dog", "cat"]),
        ("The patient man.", ["person", "person"], ["person"]), ("A jar of baby food.", ["person"], []),
        ("An orange wall.", ["orange"], []), ("She takes a bow.", ["tie"], []), ("Signs to monitor it.", ["tv"], []),
        ("A sub is docked.", ["sandwich"], []), ("The turkey sandwich.", ["bird", "sandwich"], ["sandwich"]),
        ("They ram into it.", ["sheep"], []), ("There are no dogs.", ["dog"], []),
    ],
)  # fmt: skip
def test_chair_s_words(official_vocabulary, text, official, strict):
    assert find_objects(text, official_vocabulary, "official") == official
    assert find_objects(text, load_coco_vocabulary(), "strict") == strict


def test_chair_s_places_stay_right_behind_a_seat_that_was_left_out():
    text = "A toilet seat, a toilet and a car."
    (item,) = score_chair([Answer("a", text)], {"a": set()}, vocabulary=load_coco_vocabulary()).items
    assert [text[one["start"] : one["end"]] for one in item["mentions"]][-1] == "car"


def test_people_in_captions_make_objects_true_in_strict_mode(official_vocabulary):
    truth = {
        mode: build_truth({"a": []}, {"a": ["A bus."]}, vocabulary, mode)["a"]
        for mode, vocabulary in (("official", official_vocabulary), ("strict", load_coco_vocabulary()))
    }
    assert truth == {"official": set(), "strict": {"bus"}}


def test_a_question_with_a_slot_in_it_rewrites_no_prompt():
    values = {"question": "What is {answer} or {question}?", "answer": "SECRET {question}"}
    text = JudgeCall("a", EXTRACT, values, json.loads).render()
    assert text.count("SECRET") == 1
    assert "What is {answer} or {question}?" in text


def test_answers_come_in_the_order_of_the_questions_and_one_bad_reply_ends_no_run(tmp_path):
    """The release writes them as replies come back, drops those that fail, and stops where one cannot be read."""
    images = [AnnotatedImage(f"{name}.jpg", ("dog",)) for name in "abc"]
    rules = {EXTRACT.name: lambda request: "()" if request.call.id == "b.jpg" else '["dog"]'}
    answers = [Answer(f"{name}.jpg", f"A dog {name}.") for name in "cab"]
    measured = run_judged(ObjectHalBench(), Setup(annotations=images), rules, tmp_path, answers=answers)
    (result,) = measured.results
    assert [item["id"] for item in result.items] == ["a.jpg", "b.jpg", "c.jpg"]
    assert (result.metrics["object_hall"].n, result.metrics["unreadable"].n) == (2, 3)
    assert measured.coverage.unreadable == 1
