"""TRL's rows become records; images stay where they are."""

from __future__ import annotations

import datasets
import pytest
from PIL import Image

from errata.errors import DataError
from errata.records import Turn
from errata.training.preference_dataset import PreferenceRows


def user(text):
    return {"role": "user", "content": text}


def said(text):
    return {"role": "assistant", "content": text}


ROW = {"prompt": [user("What is it?")], "chosen": [said("A red cup.")], "rejected": [said("A red dog.")]}


def picture(colour):
    return Image.new("RGB", (8, 8), colour)


def test_a_dataset_of_images_becomes_records():
    dataset = datasets.Dataset.from_list([ROW | {"images": [picture("red")]}, ROW | {"images": [picture("blue")] * 2}])
    rows = PreferenceRows(dataset)
    first, second = rows.records
    assert first.prompt == (Turn("user", "What is it?"),)
    assert [response.text for response in first.responses] == ["A red cup.", "A red dog."]
    assert first.levels == (0, 1)
    assert second.images == ("1/0", "1/1")
    assert rows.open_image("1/1").getpixel((0, 0)) == (0, 0, 255)
    segment = first.responses[1].segments[0]
    assert "A red dog."[segment.start : segment.end].startswith("dog")


def test_lists_of_parts_and_single_images_are_read():
    content = [{"type": "image", "text": None}, {"type": "text", "text": "What is it?"}]
    rows = PreferenceRows([ROW | {"prompt": [user(content)], "image": picture("red")}])
    assert rows.records[0].prompt[0].text == "<image>What is it?"
    assert rows.open_image("0/0").size == (8, 8)


def test_a_prompt_inside_both_conversations_is_found():
    row = {"chosen": [user("Hi"), said("A cup.")], "rejected": [user("Hi"), said("A dog.")]}
    record = PreferenceRows([row]).records[0]
    assert record.prompt == (Turn("user", "Hi"),)
    assert record.images == ()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"question": "?"}], "columns question"),
        ([ROW, ROW | {"chosen": "A red cup."}], "row 1: str"),
        ([ROW | {"rejected": [said("A red cup.")]}], "row 0: record '0': two are identical"),
        ([ROW | {"rejected": [said(" ")]}], "an empty text"),
    ],
)
def test_bad_rows_are_named(rows, message):
    with pytest.raises(DataError, match=message):
        PreferenceRows(rows)
