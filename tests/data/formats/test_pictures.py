"""Pictures in every form that people give them: none or several, in columns or in messages, as paths or as bytes."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from errata.data import import_records, load_records
from errata.data.formats.conversations import CONVERSATIONS
from errata.errors import LONGEST_PART, DataError, quote
from errata.records import Record, read_records
from foreign_rows import picture, save_pictures, write_lines
from format_rows import read_row

DATA = base64.b64encode(picture("green")).decode()
ADDRESS = f"data:image/png;base64,{DATA}"
TEXT = {"type": "text", "text": "Q?"}


def imported(folder, *rows: dict, **options: Any) -> list[Record]:
    save_pictures(folder, "a.png", "b.png")
    source = write_lines(folder / "rows.jsonl", list(rows))
    return read_records(import_records(source, folder / "out", **options).path)


def talk(*parts: dict) -> dict:
    return {"messages": [{"role": "user", "content": [*parts, TEXT]}, {"role": "assistant", "content": "A."}]}


COLUMNS = {
    "a path": ({"image": "a.png"}, 1),
    "a list": ({"image": ["a.png", "b.png"]}, 2),
    "a list as JSON": ({"image": '["a.png", "b.png"]'}, 2),
    "none": ({"image": None}, 0),
    "an empty list": ({"images": []}, 0),
    "an empty text": ({"image": ""}, 0),
    "nothing in an object": ({"image": {"bytes": None, "path": None}}, 0),
    "no column": ({}, 0),
    "both the same": ({"image": "a.png", "images": ["a.png"]}, 1),
    "another name": ({"img_path": "a.png"}, 1),
    "base64": ({"image": DATA}, 1),
    "base64 in lines": ({"images": ["\n".join(DATA[i : i + 76] for i in range(0, len(DATA), 76))]}, 1),
    "base64 under its name": ({"image_base64": DATA}, 1),
    "an address": ({"image": ADDRESS}, 1),
    "an object": ({"images": [{"url": ADDRESS}, {"path": "a.png"}, {"base64": DATA}]}, 3),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_row_has_none_one_or_several_pictures(tmp_path, name):
    fields, count = COLUMNS[name]
    (record,) = imported(tmp_path, {"question": "Q?", "chosen": "A.", "rejected": "B."} | fields)
    assert len(record.images) == count
    assert all((tmp_path / "out" / image).is_file() for image in record.images)


PARTS = {
    "image": {"type": "image", "image": "b.png"},
    "path": {"type": "image", "path": "b.png"},
    "url": {"type": "image", "url": ADDRESS},
    "base64": {"type": "image", "base64": DATA},
    "OpenAI": {"type": "image_url", "image_url": {"url": ADDRESS, "detail": "low"}},
    "OpenAI, a text": {"type": "image_url", "image_url": ADDRESS},
    "OpenAI's responses": {"type": "input_image", "image_url": ADDRESS},
    "Anthropic": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
    "Qwen": {"image": "b.png"},
    "a table's": {"type": "image", "image": None, "path": "b.png", "text": None},
}


@pytest.mark.parametrize("name", PARTS)
def test_parts_of_messages_hold_pictures(tmp_path, name):
    (record,) = imported(tmp_path, talk(PARTS[name]))
    assert record.prompt[0].text == "<image>Q?"
    assert (tmp_path / "out" / record.images[0]).read_bytes() == picture("green")


def test_parts_may_number_the_pictures_of_the_column():
    row = talk({"type": "image", "index": 1}, {"type": "image", "index": 0}) | {"images": ["a.png", "b.png"]}
    assert read_row(CONVERSATIONS, row)[0].images == ("b.png", "a.png")


REFUSED = {
    "a web address": (talk({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}), "a web address"),
    "a video": (talk({"type": "video", "video": "a.mp4"}), "'video'"),
    "two columns": ({"image": "a.png", "images": ["b.png"], "prompt": "Q?", "chosen": "A.", "rejected": "B."}, "both"),
    "a long text": ({"image": "QUJD" * 20_000, "prompt": "Q?", "chosen": "A.", "rejected": "B."}, "80,000 characters"),
    "base64 that is cut off": ({"image": DATA[:64], "prompt": "Q?", "chosen": "A.", "rejected": "B."}, "rows.jsonl:1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_named_in_a_line(tmp_path, name):
    row, words = REFUSED[name]
    with pytest.raises(DataError) as caught:
        imported(tmp_path, row)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 700


def test_pictures_inside_rows_need_an_import(tmp_path):
    row = {"image": DATA, "question": "Q?", "chosen": "A.", "rejected": "B."}
    with pytest.raises(DataError, match=r"an image inside the row.*errata data import"):
        load_records(write_lines(tmp_path / "rows.jsonl", [row]))


def test_a_value_is_quoted_in_one_line_and_an_error_is_no_page():
    assert quote("a\nb") == r"'a\nb'"
    assert quote("x" * 80) == repr("x" * 80)[:79] + "…"
    assert len(quote({"a": ["x" * 100_000]}, 40)) == 40
    error = DataError("a" * 5000, expected="x", found="b" * 5000, fix="y")
    assert len(str(error)) < 3 * LONGEST_PART
    assert error.where.startswith("aaa")
    assert error.found.endswith("bbb")
