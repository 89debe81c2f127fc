"""LLaMA-Factory's ranking rows become records and rows again; what its loader needs stands in the entry."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from errata.data.formats.llama_factory import INFO_FILE, LLAMA_FACTORY, find_entry, write_entry
from errata.errors import DataError
from errata.records import Record, Response, Segment, Turn
from format_rows import read_row, recognises, write_row


def message(text: str, speaker: str = "gpt") -> dict:
    return {"from": speaker, "value": text}


def ranking_row(**fields) -> dict:
    row = {
        "conversations": [message("<image>What is it?", "human")],
        "chosen": message("A red bus."),
        "rejected": message("A blue bus."),
        "images": ["cat.png"],
    }
    return {name: value for name, value in (row | fields).items() if value is not ...}


def convert(row: dict, **context) -> Record:
    (record,) = read_row(LLAMA_FACTORY, row, **context)
    return record


def test_a_row_is_a_pair():
    record = convert(ranking_row())
    assert (record.id, record.images, record.source) == ("data-7", ("cat.png",), None)
    assert record.prompt == (Turn("user", "What is it?"),)
    assert [response.text for response in record.responses] == ["A red bus.", "A blue bus."]
    assert record.levels == (0, 1)
    assert recognises(LLAMA_FACTORY, ranking_row())
    assert not recognises(LLAMA_FACTORY, ranking_row(rejected=...))


def test_an_alpaca_row_joins_instruction_and_input_behind_its_history():
    row = {"instruction": "Look.", "input": "What is it?", "chosen": "A bus.", "rejected": "A cat."}
    record = convert(row | {"history": [["Hello?", "Hello."]], "system": "Be brief."})
    assert [turn.role for turn in record.prompt] == ["system", "user", "assistant", "user"]
    assert record.prompt[-1].text == "Look.\nWhat is it?"
    assert [response.text for response in record.responses] == ["A bus.", "A cat."]


def test_names_of_an_entry_are_read(tmp_path):
    entry = {
        "file_name": "data.json",
        "formatting": "sharegpt",
        "ranking": True,
        "columns": {"messages": "talk", "chosen": "good", "rejected": "bad", "images": "pictures"},
        "tags": {"role_tag": "who", "content_tag": "said", "user_tag": "U", "assistant_tag": "A"},
    }
    (tmp_path / INFO_FILE).write_text(json.dumps({"other": {"file_name": "x.json"}, "mine": entry}))
    said = [{"who": who, "said": text} for who, text in (("U", "<image>What?"), ("A", "A bus."), ("A", "A cat."))]
    row = {"talk": said[:1], "good": said[1], "bad": said[2], "pictures": ["cat.png"]}
    assert recognises(LLAMA_FACTORY, row, path=tmp_path / "data.json")
    assert not recognises(LLAMA_FACTORY, row, path=tmp_path / "x.json")
    record = convert(row, root=tmp_path)
    assert record.images == ("cat.png",)
    assert [response.text for response in record.responses] == ["A bus.", "A cat."]


@pytest.mark.parametrize("entry", [{"columns": ["chosen"]}, {"columns": {"chosen": 3}}, {"tags": "role"}])
def test_an_entry_of_other_types_is_an_error(tmp_path, entry):
    entry = {"file_name": "data.json", "ranking": True} | entry
    (tmp_path / INFO_FILE).write_text(json.dumps({"mine": entry}))
    with pytest.raises(DataError, match=r"data\.json:7.*fix dataset_info\.json"):
        convert(ranking_row(), root=tmp_path)


def test_a_broken_entry_file_is_an_error_and_one_of_datasets_is_none(tmp_path):
    (tmp_path / INFO_FILE).write_text('{"citation": "", "features": {"a": {}}}')
    assert find_entry(tmp_path / "data.json") is None
    (tmp_path / INFO_FILE).write_text("{")
    with pytest.raises(DataError, match=r"dataset_info\.json"):
        find_entry(tmp_path / "data.json")


def test_an_entry_in_a_folder_of_its_own_is_named_like_the_folder(tmp_path):
    folder = tmp_path / "my pairs, one"
    folder.mkdir()
    (info,) = write_entry(folder / "train.json", 3)
    assert set(json.loads(info.read_text())) == {"my_pairs_one"}  # a comma parts data sets on its command line


def test_the_entry_is_added_to_those_that_are_there(tmp_path):
    (tmp_path / INFO_FILE).write_text('{"other": {"file_name": "x.json"}}')
    assert write_entry(tmp_path / "pairs.json", 3) == [tmp_path / INFO_FILE]
    entries = json.loads((tmp_path / INFO_FILE).read_text())
    assert set(entries) == {"other", "pairs"}
    ((row,), _) = write_row(LLAMA_FACTORY, convert(ranking_row()))
    assert entries["pairs"]["file_name"] == "pairs.json"
    assert entries["pairs"]["ranking"] is True
    assert set(entries["pairs"]["columns"].values()) <= set(row)
    spoken = {turn["from"] for turn in [*row["conversations"], row["chosen"], row["rejected"]]}
    assert spoken <= set(entries["pairs"]["tags"].values())
    assert find_entry(tmp_path / "pairs.json") == entries["pairs"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"id": "a", "license": "CC BY 4.0", "source": "mine"},
        {"conversations": [message("S", "system"), message("Q", "human"), message("A"), message("<image>Q2", "human")]},
        {"score": 3, "nested": {"a": [1, None, "é"]}},
        {"conversations": [message("No picture?", "human")], "images": []},
    ],
)
def test_import_export_import_gives_equal_records(fields):
    record = convert(ranking_row(**fields))
    ((written,), dropped) = write_row(LLAMA_FACTORY, record)
    assert recognises(LLAMA_FACTORY, written)
    assert convert(json.loads(json.dumps(written)), number=1) == replace(record, id=written["id"])
    assert written["id"] == record.id
    assert not dropped


def test_what_the_rows_lose_is_counted_and_every_image_has_its_mark():
    turns = [(Turn("assistant", text),) for text in ("A red bus.", "A blue bus.", "A blue cat.")]
    typed = (Segment(2, 6, 2, 5, type="attribute"),)
    moved = (Segment(0, 6, 0, 5),)
    responses = (Response(turns[0], 0), Response(turns[1], 1, typed, "m"), Response(turns[2], 2, moved))
    record = Record("r", ("a.png", "b.png"), (Turn("user", "What?"),), responses)
    rows, dropped = write_row(LLAMA_FACTORY, record)
    assert [row["id"] for row in rows] == ["r-1", "r-2"]
    assert [row["rejected"]["value"] for row in rows] == ["A blue bus.", "A blue cat."]
    assert {row["conversations"][0]["value"] for row in rows} == {"<image><image>What?"}
    assert rows[0]["images"] == ["a.png", "b.png"]
    by_hand = "segments that a word-level difference does not give"
    assert dropped == {"levels": 1, "segment types": 1, "names of models": 1, by_hand: 1}


BAD = {
    "no question": ({"conversations": ...}, "a question"),
    "a tool": ({"conversations": [message("x", "observation")]}, "'observation'"),
    "no answer": ({"rejected": ...}, "'rejected'"),
    "an answer of the user": ({"chosen": message("x", "human")}, "a turn of the user"),
    "an answer that is a number": ({"chosen": 3}, "'chosen' is int"),
    "equal answers": ({"rejected": message("A red bus.")}, "identical"),
    "an empty answer": ({"rejected": message(" ")}, "empty"),
    "more marks than images": ({"conversations": [message("<image><image>?", "human")]}, "2 placeholders"),
    "ends with an answer": ({"conversations": [message("Q", "human"), message("A")]}, "it does not"),
    "history": ({"conversations": ..., "history": ["a"]}, "'history'"),
    "instruction": ({"conversations": ..., "instruction": 3}, "'instruction'"),
    "id": ({"id": [1]}, "'id'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named_with_its_place(name):
    fields, found = BAD[name]
    with pytest.raises(DataError, match=r"^data\.json:7") as caught:
        convert(ranking_row(**fields))
    assert found in str(caught.value)
    assert all((caught.value.expected, caught.value.found, caught.value.fix))


def test_absurd_nesting_is_refused():
    nested: list = []
    for _ in range(500):
        nested = [nested]
    with pytest.raises(DataError, match="nested at most"):
        convert(ranking_row(extra=nested))


def test_answers_of_several_rounds_have_no_place():
    turns = (Turn("assistant", "A."), Turn("user", "Q?"), Turn("assistant", "B."))
    record = Record("r", (), (Turn("user", "Q"),), (Response(turns, 0), Response((Turn("assistant", "C."),), 1)))
    with pytest.raises(DataError, match=r"'r': one of 2 rounds"):
        write_row(LLAMA_FACTORY, record)
    with pytest.raises(DataError, match="one level"):
        write_row(LLAMA_FACTORY, replace(record, responses=(Response(turns[:1], 0),)))


@pytest.mark.parametrize("path", ["../cat.png", "/etc/passwd", "a\0b"])
def test_image_paths_that_escape_are_refused(tmp_path, path):
    with pytest.raises(DataError, match=r"^data\.json:7"):
        convert(ranking_row(images=[path]), root=tmp_path)
