"""Argilla's records become records, nested or flat, one for each user."""

from __future__ import annotations

import pytest

from errata.data.formats.argilla import ARGILLA
from errata.errors import DataError
from errata.records import Record, Segment, Turn
from format_rows import read_row, recognises

BUS = "🚌 A blue bus waits."


def said(value, user: str = "u1", **fields) -> dict:
    return {"value": value, "user_id": user} | fields


def nested(responses: dict, **fields) -> dict:
    shown = {"image": "bus.png", "prompt": "What is it?", "response": BUS} | fields
    shown = {name: value for name, value in shown.items() if value is not ...}
    return {"id": "r1", "fields": shown, "responses": responses, "suggestions": {}, "metadata": {"town": "Bonn"}}


PAIR = {"response": ..., "response_a": "A red bus.", "response_b": "A blue bus."}


def convert(row: dict, **context) -> Record:
    (record,) = read_row(ARGILLA, row, **context)
    return record


def test_a_corrected_text_with_spans_is_a_pair_with_typed_segments():
    spans = [{"label": "attribute", "start": 5, "end": 9}]
    record = convert(nested({"corrected": [said("🚌 A red bus waits.")], "errors": [said(spans)]}))
    assert (record.id, record.images, record.source) == ("r1", ("bus.png",), None)
    assert [response.text for response in record.responses] == ["🚌 A red bus waits.", BUS]
    assert record.responses[1].segments == (Segment(4, 8, 4, 7, type="attribute"),)
    assert record.meta == {"town": "Bonn", "annotator": "u1"}


@pytest.mark.parametrize(("start", "end"), [(5, 9), (4, 8)], ids=["the page's UTF-16 units", "Python's code points"])
def test_offsets_behind_an_emoji_are_read_in_the_unit_they_count_in(start, end):
    spans = [{"label": "attribute", "start": start, "end": end}]
    record = convert(nested({"corrected": [said("🚌 A red bus waits.")], "errors": [said(spans)]}))
    (segment,) = record.responses[1].segments
    assert BUS[segment.start : segment.end] == "blue"


@pytest.mark.parametrize(
    "value",
    [
        ["response_b", "response_a"],
        [{"value": "response-a", "rank": 2}, {"value": "response-b", "rank": 1}],
        "response_b",
        "B",
    ],
)
def test_rankings_and_choices_are_levels(value):
    record = convert(nested({"preference": [said(value)]}, **PAIR))
    assert [(one.text, one.level) for one in record.responses] == [("A blue bus.", 0), ("A red bus.", 1)]


def test_ratings_are_levels_by_the_number_of_their_question():
    fields = {"response": ..., "response-1": "A red bus.", "response-2": "A blue bus.", "response-3": "A cat."}
    responses = {f"rating-{number}": [said(stars)] for number, stars in ((1, 3), (2, 5), (3, 3))}
    record = convert(nested(responses, **fields))
    assert [(one.text, one.level) for one in record.responses] == [("A blue bus.", 0), ("A red bus.", 1), ("A cat.", 1)]


def test_ties_of_a_ranking_stay_ties_and_other_answers_go_to_meta():
    value = [{"value": "response_a", "rank": 1}, {"value": "response_b", "rank": 1}, {"value": "response_c", "rank": 2}]
    fields = PAIR | {"response_c": "A cat.", "note": "left by hand"}
    record = convert(nested({"rank": [said(value)]}, **fields))
    assert record.levels == (0, 0, 1)
    assert record.meta["note"] == "left by hand"


def test_the_flat_form_is_the_same():
    row = {"id": "r1", "status": "completed", "_server_id": "s", "image": "bus.png", "prompt": "What is it?"}
    row |= {"response_a": "A red bus.", "response_b": "A blue bus.", "preference.suggestion": "A"}
    row |= {"preference.responses": ["B", "A"], "preference.responses.users": ["u1", "u2"]}
    row |= {"preference.responses.status": ["submitted", "discarded"]}
    assert recognises(ARGILLA, row)
    record = convert(row)
    assert [one.text for one in record.responses] == ["A blue bus.", "A red bus."]


def test_each_user_gives_a_record_drafts_none():
    responses = {"pick": [said("A"), said("B", "u2"), said("A", "u3", status="draft")]}
    assert [record.id for record in read_row(ARGILLA, nested(responses, **PAIR))] == ["r1-1", "r1-2"]


def test_a_chat_is_the_prompt():
    chat = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hi."}]
    chat.append({"role": "user", "content": "What is it?"})
    record = convert(nested({"pick": [said("A")]}, **PAIR, prompt=..., chat=chat))
    assert record.prompt[-1] == Turn("user", "What is it?")
    assert len(record.prompt) == 3


def test_labels_that_name_no_answer_are_kept_and_correct_nothing():
    row = nested({"pick": [said("A")], "which_is_correct": [said("tie")], "quality": [said("good")]}, **PAIR)
    record = convert(row)
    assert record.meta["which_is_correct"] == "tie"
    assert record.meta["quality"] == "good"


def test_columns_name_the_question_that_corrects():
    row = nested({"final": [said("A cat.")]})
    with pytest.raises(DataError, match="which one is better"):
        convert(row)
    assert convert(row, columns={"correction": "final"}).responses[0].text == "A cat."


SPAN = {"label": "object", "start": 0, "end": 1}
BAD = {
    "no response": (nested({}), "submitted response"),
    "only drafts": (nested({"pick": [said("A", status="draft")]}), "submitted response"),
    "responses as a text": (nested({"pick": "A"}), "as a list"),
    "a response without value": (nested({"pick": [{"user_id": "u"}]}), "with a value"),
    "no question": (nested({"corrected": [said("x")]}, prompt=...), "--columns prompt=FIELD"),
    "fields as a list": ({"fields": [], "responses": {}}, "submitted|question"),
    "spans alone": (nested({"errors": [said([SPAN])]}), "marks alone"),
    "a span outside": (nested({"corrected": [said("x")], "errors": [said([SPAN | {"end": 99}])]}), "0:99"),
    "a span of texts": (nested({"corrected": [said("x")], "errors": [said([SPAN | {"end": "9"}])]}), "as numbers"),
    "a rating of no answer": (nested({"stars": [said(4)]}, **PAIR), "--columns response=FIELD"),
    "a tie": (nested({"rating_a": [said(3)], "rating_b": [said(3)]}, **PAIR), "a tie"),
    "a rank": (nested({"r": [said([{"value": "A", "rank": "x"}, {"value": "B", "rank": 1}])]}, **PAIR), "a rank"),
    "an image that escapes": (nested({"corrected": [said("x")]}, image="../../etc/passwd"), "etc/passwd"),
    "flat lists of other lengths": (
        {"prompt": "Q", "response": "A", "q.responses": [1], "q.responses.users": []}
        | {"q.responses.status": [None, 1]},
        "other lengths",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_is_named_with_its_place(name):
    import re

    row, found = BAD[name]
    with pytest.raises(DataError, match=r"^data\.json:7") as caught:
        convert(row)
    assert re.search(found, str(caught.value))
    assert all((caught.value.expected, caught.value.found, caught.value.fix))


def test_a_second_picture_is_not_passed_over():
    responses = {"corrected": [said("🚌 A red bus waits.")]}
    for fields in ({"second": "b.png"}, {"image": ..., "scan": "data:image/png;base64,AAAA"}):
        with pytest.raises(DataError, match="expected all pictures in one field of a usual name"):
            convert(nested(responses, **fields))
    assert convert(nested(responses, second="b.png"), columns={"image": "second"}).images == ("b.png",)
