"""Conversations of the field become records with one response; every row that cannot is named by file and line."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tiny_models
from errata.data import import_records, load_records
from errata.errors import DataError
from errata.images import open_image
from errata.records import BadRow, Turn


def human(text: str) -> dict[str, str]:
    return {"from": "human", "value": text}


def gpt(text: str) -> dict[str, str]:
    return {"from": "gpt", "value": text}


def llava_row(**fields) -> dict:
    row = {
        "id": "000000033471",
        "image": "image0.png",
        "conversations": [human("What is it?\n<image>"), gpt("A bus."), human("Its colour?"), gpt("Red.")],
    }
    return {name: value for name, value in (row | fields).items() if value is not ...}


def write(path, rows, *, array: bool = True):
    lines = [json.dumps(row) for row in rows]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n" if array else "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def images(tmp_path):
    tiny_models.save_images(tmp_path, 2)
    return tmp_path


@pytest.mark.parametrize("array", [True, False], ids=["array", "lines"])
def test_a_conversation_is_a_record_whose_answers_are_all_learned(images, array):
    loaded = load_records(write(images / "a.json", [llava_row()], array=array))
    (record,) = loaded.records
    assert (record.id, record.images, loaded.image_root) == ("000000033471", ("image0.png",), images)
    assert record.prompt == (Turn("user", "What is it?\n<image>"),)
    (response,) = record.responses
    assert (response.level, response.rounds) == (0, ("A bus.", "Red."))
    assert response.turns[1] == Turn("user", "Its colour?")


FORMS = {
    "text only": {"image": ..., "conversations": [human("Hello?"), gpt("Hello.")]},
    "no placeholder": {"conversations": [human("What?"), gpt("A bus.")]},
    "two images": {"image": ["image0.png", "image1.png"], "conversations": [human("<image><image>Same?"), gpt("No.")]},
    "a system turn": {"conversations": [{"from": "system", "value": "Be brief."}, human("What?"), gpt("A bus.")]},
    "a number as id": {"id": 7},
    "no id": {"id": ...},
    "messages": {
        "image": ...,
        "images": ["image0.png"],
        "conversations": ...,
        "messages": [
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]},
            {"role": "assistant", "content": "A bus."},
        ],
    },
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_that_are_read(images, name):
    (record,) = load_records(write(images / "a.jsonl", [llava_row(**FORMS[name])], array=False)).records
    assert record.levels == (0,)
    assert record.id == {"a number as id": "7", "no id": "a-1"}.get(name, "000000033471")
    assert len(record.images) == {"text only": 0, "two images": 2}.get(name, 1)
    assert [turn.role for turn in record.prompt] == (["system", "user"] if name == "a system turn" else ["user"])
    if name == "messages":
        assert record.prompt == (Turn("user", "<image>What?"),)


BAD = {
    "begins with an answer": ({"conversations": [gpt("A bus."), human("What?")]}, "turn 0: one of the assistant"),
    "an empty answer": ({"conversations": [human("What?"), gpt(" \n")]}, "turn 1: an empty turn of the assistant"),
    "an empty question": ({"conversations": [human(""), gpt("A bus.")]}, "turn 0: an empty turn of the user"),
    "only an image": ({"conversations": [human("<image>\n"), gpt("A bus.")]}, "an empty text in the last user turn"),
    "two questions": ({"conversations": [human("What?"), human("Who?"), gpt("A bus.")]}, "turn 1: one of the user"),
    "two answers": ({"conversations": [human("What?"), gpt("A."), gpt("B.")]}, "turn 2: one of the assistant"),
    "no answer": ({"conversations": [human("What?"), gpt("A."), human("Who?")]}, "a last turn of the user"),
    "too many placeholders": ({"conversations": [human("<image><image>?"), gpt("A.")]}, "2 placeholders for 1 image"),
    "no image": ({"image": ...}, "1 placeholder for 0 images"),
    "a later image": ({"conversations": [human("What?"), gpt("A."), human("<image>?"), gpt("B.")]}, "turn 2: <image>"),
    "an image in an answer": ({"conversations": [human("What?"), gpt("<image>")]}, "turn 1: <image> in a turn of the"),
    "no turns": ({"conversations": []}, "an empty list"),
    "turns of another type": ({"conversations": 3}, "'conversations' is int"),
    "a turn of another type": ({"conversations": ["What?"]}, "turn 0: str"),
    "an unknown speaker": ({"conversations": [{"from": "tool", "value": "x"}]}, "turn 0: 'tool'"),
    "a speaker of another type": ({"conversations": [{"from": ["human"], "value": "x"}]}, "turn 0: "),
    "a text of another type": ({"conversations": [{"from": "human", "value": 3}]}, "turn 0: 3"),
    "a part of another type": ({"conversations": [{"from": "human", "value": [{"type": "video"}]}]}, "'video'"),
    "an id of another type": ({"id": ["x"]}, "list"),
    "an image of another type": ({"image": 3}, "int 3"),
    "an image without a name": ({"image": ""}, "1 placeholder for 0 images"),
    "an image elsewhere": ({"image": "../secret.png"}, r"\.\./secret\.png: it leads to"),
    "an absolute image": ({"image": "/secret.png"}, "/secret.png: an absolute path"),
    "no object": (None, "list"),
    "a key twice": ('{"id": "x", "id": "y"}', "key 'id' twice"),
    "half a character": ('{"id": "\\ud800", "conversations": []}', "surrogates not allowed"),
    "not a number": ('{"id": NaN}', "NaN is not a finite number"),
}


@pytest.mark.parametrize("array", [True, False], ids=["array", "lines"])
@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named_by_file_and_line_and_can_be_set_aside(images, name, array):
    fields, words = BAD[name]
    text = fields if isinstance(fields, str) else json.dumps([1] if fields is None else llava_row(**fields))
    lines = [json.dumps(llava_row(id=1)), text, json.dumps(llava_row(id=2))]
    path = images / "a.json"
    path.write_text("[\n" + ",\n".join(lines) + "]" if array else "\n\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match=rf"a\.json:3: .*{words}"):
        load_records(path)
    aside: list[BadRow] = []
    loaded = load_records(path, on_bad=aside.append)
    assert [record.id for record in loaded.records] == ["1", "2"]
    assert [(row.where, row.line) for row in aside] == [(f"{path}:3", text)]


@pytest.mark.parametrize("text", ["[", "[" * 100_000])
def test_an_array_without_one_whole_row_is_an_error_of_the_file(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=r"a\.json:1: "):
        load_records(tmp_path / "a.json", on_bad=lambda row: None)


@pytest.mark.parametrize(
    ("end", "words"),
    [('\n {"id": 1}', ":1: something else than a comma"), (',\n{"id": ', ":2: an item that does not end")],
)
def test_an_array_that_breaks_off_gives_the_rows_before(tmp_path, end, words):
    row = json.dumps({"conversations": [human("Hello?"), gpt("Hi.")]})
    (tmp_path / "a.json").write_text(f"[{row}{end}")
    with pytest.raises(DataError, match=rf"a\.json{words}"):
        load_records(tmp_path / "a.json")
    aside: list[BadRow] = []
    loaded = load_records(tmp_path / "a.json", on_bad=aside.append)
    assert [record.id for record in loaded.records] == ["a-1"]
    assert [words in row.reason for row in aside] == [True]


def test_repeated_ids_are_made_new_in_linear_time(tmp_path):
    rows = [llava_row(image=..., conversations=[human("Hello?"), gpt(f"{i}")]) for i in range(20_000)]
    records = load_records(write(tmp_path / "a.json", rows)).records
    assert [record.id for record in records[:2]] == ["000000033471", "000000033471.2"]
    assert len({record.id for record in records}) == len(rows)


def test_our_records_are_still_read_by_their_own_rules(tmp_path):
    row = {"id": "a", "prompt": "What?", "responses": [{"level": 0, "text": "A."}], "conversations": []}
    with pytest.raises(DataError, match=r"a\.jsonl:1: unknown field 'conversations'"):
        load_records(write(tmp_path / "a.jsonl", [row], array=False))


@pytest.mark.parametrize("form", ["list", "json", "messages"])
def test_tables_hold_their_pictures(images, form):
    data = (images / "image0.png").read_bytes()
    turns = llava_row()["conversations"]
    row = {"id": "a", "image": {"bytes": data, "path": "x.png"}}
    if form == "list":
        row["conversations"] = turns
    elif form == "json":  # UniMM-Chat
        row["conversation"] = json.dumps(turns)
    else:
        roles = [{"role": "user" if i % 2 == 0 else "assistant", "content": t["value"]} for i, t in enumerate(turns)]
        row |= {"messages": roles, "images": [row.pop("image")]}
    pq.write_table(pa.Table.from_pylist([row]), images / "a.parquet")
    import_records(images / "a.parquet", images / "out")
    (record,) = load_records(images / "out").records
    assert record.responses[0].rounds == ("A bus.", "Red.")
    assert open_image(record.images[0], images / "out").size == (60, 48)
    assert load_records(images / "a.parquet", import_dir=images / "again").records == [record]


def test_a_table_names_no_picture_of_this_machine(images):
    row = {"image": {"bytes": None, "path": str(images / "image0.png")}, "conversations": llava_row()["conversations"]}
    pq.write_table(pa.Table.from_pylist([row]), images / "a.parquet")
    with pytest.raises(DataError, match=r"row 1.*bytes in the row"):
        load_records(images / "a.parquet")
