"""ms-swift's preference rows become records and rows again."""

from __future__ import annotations

import json

import pytest

from errata.data.formats.ms_swift import MS_SWIFT
from errata.errors import DataError
from errata.records import Record, Turn
from format_rows import read_row, recognises, write_row


def talk(*texts: str) -> list[dict]:
    return [{"role": "user" if i % 2 == 0 else "assistant", "content": text} for i, text in enumerate(texts)]


def swift_row(**fields) -> dict:
    row = {
        "messages": talk("<image>What is it?", "A red bus."),
        "rejected_response": "A blue bus.",
        "images": ["cat.png"],
    }
    return {name: value for name, value in (row | fields).items() if value is not ...}


def convert(row: dict, **context) -> Record:
    (record,) = read_row(MS_SWIFT, row, **context)
    return record


def test_the_last_answer_is_the_better_one():
    record = convert(swift_row(messages=talk("<image>Hello?", "Hello.", "What is it?", "A red bus.")))
    assert [turn.text for turn in record.prompt] == ["Hello?", "Hello.", "What is it?"]
    assert [response.text for response in record.responses] == ["A red bus.", "A blue bus."]
    assert record.images == ("cat.png",)


def test_whole_conversations_share_their_beginning():
    worse = talk("<image>What is it?", "A blue bus.", "Sure?", "Yes.")
    better = talk("<image>What is it?", "A red bus.", "Sure?", "Yes, red.")
    record = convert(swift_row(messages=better, rejected_messages=worse, rejected_response=...))
    assert record.prompt == (Turn("user", "What is it?"),)
    assert [response.rounds for response in record.responses] == [("A red bus.", "Yes, red."), ("A blue bus.", "Yes.")]


ROUND_TRIPS = [
    {},
    {"system": "Be brief."},
    {"id": 3, "license": "MIT", "source": "mine", "margin": 0.5},
    {"images": []} | {"messages": talk("What?", "A."), "rejected_response": "B."},
    {
        "messages": talk("<image>What?", "A.", "And?", "B."),
        "rejected_messages": talk("<image>What?", "C.", "And?", "D."),
        "rejected_images": ["cat.png"],
        "rejected_response": ...,
    },
]


@pytest.mark.parametrize("fields", ROUND_TRIPS)
def test_import_export_import_gives_equal_records(fields):
    record = convert(swift_row(**fields))
    ((written,), dropped) = write_row(MS_SWIFT, record)
    assert recognises(MS_SWIFT, written)
    assert convert(json.loads(json.dumps(written)), number=1) == record
    assert not dropped


BAD = {
    "no messages": ({"messages": ...}, "NoneType"),
    "neither": ({"rejected_response": ...}, "none of them; expected either 'rejected_response' or"),
    "both": ({"rejected_messages": talk("Q", "A")}, "'rejected_response' and 'rejected_messages'; expected either"),
    "a number": ({"rejected_response": 3}, "'rejected_response' as a text"),
    "another image": ({"rejected_images": ["dog.png"]}, "other 'rejected_images'"),
    "another question": ({"rejected_response": ..., "rejected_messages": talk("Other?", "A.")}, "no question"),
    "equal answers": ({"rejected_response": "A red bus."}, "identical"),
    "no answer": ({"messages": talk("<image>Q")}, "no question"),
    "a tool": ({"messages": [{"role": "tool", "content": "x"}]}, "'tool'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named_with_its_place(name):
    fields, found = BAD[name]
    with pytest.raises(DataError, match=r"^data\.json:7") as caught:
        convert(swift_row(**fields))
    assert found in str(caught.value)
    assert all((caught.value.expected, caught.value.found, caught.value.fix))
