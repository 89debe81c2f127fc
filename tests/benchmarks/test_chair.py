"""CHAIR: recorded scores in official mode, our own rules in strict mode."""

from __future__ import annotations

import re

import pytest

from errata.benchmarks import build_truth, score_chair
from errata.errors import ConfigError, DataError
from errata.records import Answer
from errata.text import build_vocabulary, load_coco_vocabulary

COCO = load_coco_vocabulary()


def test_recorded_scores(vectors, official_vocabulary):
    data = vectors("chair")
    images = data["synthetic_coco"]["images"]
    objects = {key: row["objects"] for key, row in images.items()}
    captions = {key: row["captions"] for key, row in images.items()}
    truth = build_truth(objects, captions, official_vocabulary, "official")
    for case in data["compute_chair"]:
        rows = [{**row, "id": str(row["image_id"])} for row in case["captions"]]
        expected = {row["id"]: set(case["gt_objects"][row["id"]]) for row in rows}
        assert {key: truth[key] for key in expected} == expected
        answers = [Answer(row["id"], row["caption"]) for row in reversed(rows)]
        result = score_chair(answers, expected, vocabulary=official_vocabulary, mode="official")
        assert result.metrics["chair_s"].value == pytest.approx(case["CHAIRs"])
        assert result.metrics["chair_i"].value == pytest.approx(case["CHAIRi"])
        recall = case["standalone_overall"].get("Recall")  # the reference divides by zero where no object is true
        assert result.metrics["recall"].value == (recall if recall is None else pytest.approx(recall))
        for item, sentence in zip(result.items, case["sentences"], strict=True):
            _compare_sentence(item, sentence)


def _compare_sentence(item, sentence):
    wrong = [m for m in item["mentions"] if m["hallucinated"]]
    assert [[m["word"], m["object"]] for m in wrong] == sentence["mscoco_hallucinated_words"]
    assert [m["object"] for m in item["mentions"]] == sentence["mscoco_generated_words"]
    assert item["counts"]["chair_s"][0] == sentence["metrics"]["CHAIRs"]
    ratio = len(wrong) / max(1, len(item["mentions"]))
    assert ratio == pytest.approx(sentence["metrics"]["CHAIRi"])


def test_spans_point_at_the_words_that_were_said():
    text = "A bus, two ties and a cat; there are no dogs."
    result = score_chair([Answer("a", text)], {"a": {"bus", "person"}}, vocabulary=COCO)
    item = result.items[0]
    said = [(text[m["start"] : m["end"]], m["hallucinated"], m["negated"]) for m in item["mentions"]]
    assert said == [("bus", False, False), ("ties", True, False), ("cat", True, False), ("dogs", False, True)]
    assert item["missing"] == ["person"]
    values = {name: metric.value for name, metric in result.metrics.items()}
    assert values == {"chair_s": 1, "chair_i": pytest.approx(2 / 3), "recall": 0.5, "words": 11, "words_truthful": 9}


def test_a_made_up_mention_can_take_its_phrase_with_it():
    vocabulary = build_vocabulary(["ball", "cube"])
    text = "top-left: a red ball. top-right: a blue cube."
    answers, truth = [Answer("a", text)], {"a": {"ball"}}
    plain = score_chair(answers, truth, vocabulary=vocabulary)
    phrase = score_chair(answers, truth, vocabulary=vocabulary, widen=re.compile(r"[\w-]+: a \w+ \w+\."))
    clause = score_chair(
        answers, truth, vocabulary=vocabulary, widen=lambda text, span: (text.index(".") + 1, len(text))
    )
    assert [r.metrics["words_truthful"].value for r in (plain, phrase, clause)] == [9, 5, 5]


def test_no_mention_is_no_value_not_zero():
    result = score_chair([Answer("a", "A wall.")], {"a": set()}, vocabulary=COCO)
    assert (result.metrics["chair_s"].value, result.metrics["chair_i"].value, result.metrics["recall"].value) == (
        0,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([Answer("a", "x")], "no answer to 'b'"),
        ([Answer("a", "x"), Answer("b", "x"), Answer("a", "y")], "two answers to 'a'"),
        ([Answer("a", "x"), Answer("b", "x"), Answer("c", "y")], "answers to unknown 'c'"),
    ],
)
def test_answers_are_joined_by_id(answers, message):
    with pytest.raises(DataError, match=message):
        score_chair(answers, {"a": {"cat"}, "b": {"dog"}}, vocabulary=COCO)


def test_unknown_object_mode_or_image_is_named():
    answers = [Answer("a", "x")]
    with pytest.raises(DataError, match="did you mean 'keyboard'"):
        score_chair(answers, {"a": {"keybord"}}, vocabulary=COCO)
    with pytest.raises(ConfigError, match="official or strict"):
        score_chair(answers, {"a": {"cat"}}, vocabulary=COCO, mode="fast")
    with pytest.raises(DataError, match="an image for every id"):
        score_chair(answers, {"a": {"cat"}}, vocabulary=COCO, images={})
