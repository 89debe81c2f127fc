"""Exports as the readers of others take them: every row arrives, whole, whatever the records are and however many."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise

import datasets
import pytest

from errata.data import export_records, import_records
from errata.data.export_records import list_writers
from errata.errors import DataError
from errata.records import Record, Response, Turn, read_records
from foreign_rows import save_pictures
from readers.llama_factory_like import read_like_llama_factory, read_with_llama_factory
from readers.ms_swift_like import read_like_ms_swift, read_with_ms_swift

FOREIGN = [name for name in list_writers() if name not in ("errata", "parquet")]
LONG = "What is in the picture, and what is beside it? " * 1900
"""Of 89,300 characters: some sixty records are more than the ten megabytes that `datasets` looks at first."""


def build_record(number: int, **fields) -> Record:
    answers = tuple(Response((Turn("assistant", text),), level) for level, text in enumerate(("A cube.", "A ball.")))
    values = {"images": ("images/a.png",), "prompt": (Turn("user", "What?"),), "responses": answers}
    return Record(id=f"r{number}", **(values | fields))


def build_rounds(*texts: str, level: int) -> Response:
    roles = ("assistant", "user") * len(texts)
    return Response(tuple(Turn(role, text) for role, text in zip(roles, texts, strict=False)), level)


TWO_ROUNDS = (build_rounds("A cube.", "Sure?", "Yes.", level=0), build_rounds("A ball.", "Sure?", "No.", level=1))


@pytest.fixture
def root(tmp_path):
    save_pictures(tmp_path, "images/a.png", "images/b.png")
    return tmp_path


def read_swift(path, cache, *, real: bool):
    return read_with_ms_swift(path) if real else read_like_ms_swift(path, cache)


def read_llama_factory(folder, cache, *, real: bool):
    return read_with_llama_factory(folder, folder.name) if real else read_like_llama_factory(folder, folder.name, cache)


SWIFT = [False, *([True] if find_spec("swift") else [])]
LLAMA_FACTORY = [False, *([True] if find_spec("llamafactory") else [])]
MIXED = [
    build_record(0),
    build_record(1, responses=TWO_ROUNDS),
    build_record(2, images=(), meta={"a": 1}),
    build_record(3, images=("images/a.png", "images/b.png"), license="CC0", meta={"a": "x", "b": {}}),
    build_record(4, prompt=(Turn("system", "Be brief."), Turn("user", "See <image> here.")), source="mine"),
]


@pytest.mark.parametrize("real", SWIFT)
@pytest.mark.parametrize("order", [1, -1])
def test_ms_swift_keeps_every_row_of_a_file_with_answers_of_one_and_of_several_rounds(root, order, real):
    records = MIXED[::order]
    path = export_records(records, root, root / "pairs.jsonl", format="ms-swift").files[0]
    rows = read_swift(path, root / "cache", real=real)
    assert len(rows) == len(records)
    for record, row in zip(records, rows, strict=True):
        best, worse = ([*record.prompt, *response.turns] for response in record.responses)
        texts = [[text.replace("<image>", "") for _, text in row[name]] for name in ("messages", "rejected_messages")]
        assert texts == [[turn.text.replace("<image>", "") for turn in turns] for turns in (best, worse)]
        assert row["images"] == row["rejected_images"] == list(record.images)
        assert sum(text.count("<image>") for _, text in row["messages"]) == len(record.images)


def test_the_reader_like_ms_swift_deletes_rows_of_the_other_form(root):
    talk = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
    rows = [{"messages": talk, "rejected_response": "B"}, {"messages": talk, "rejected_messages": talk}]
    path = root / "mixed.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [row["rejected_response"] for row in read_like_ms_swift(path, root / "cache")] == ["B"]


@pytest.mark.parametrize("real", LLAMA_FACTORY)
@pytest.mark.parametrize("order", [1, -1])
def test_llama_factory_keeps_every_row(root, order, real):
    records = [record for record in MIXED[::order] if len(record.responses[0].rounds) == 1]
    export_records(records, root, root / "pairs", format="llama-factory")
    rows = read_llama_factory(root / "pairs", root / "cache", real=real)
    assert [[answer["content"] for answer in row["_response"]] for row in rows] == [["A cube.", "A ball."]] * 4
    assert [len(row["_images"] or ()) for row in rows] == [len(record.images) for record in records]


def build_late(count: int = 130) -> list[Record]:
    """The first eleven megabytes hold no licence, source, meta or picture, and no answer with a model or a segment."""
    plain = [build_record(i, images=(), prompt=(Turn("user", LONG),)) for i in range(count)]
    metas = [{"a": 1}, {"a": "x"}, {"a": [1, "x", None]}, {"a": None, "b": {}}, {"b": {"c": 2}}]
    full = [
        build_record(count + i, license="CC0", source="mine", meta=meta, images=("images/a.png",))
        for i, meta in enumerate(metas)
    ]
    asked = (Turn("system", "Be brief."), Turn("user", "What?"))
    model = replace(full[0].responses[1], model="llava")
    return [*plain, *full, build_record(count + 9, prompt=asked, responses=(full[0].responses[0], model))]


def load(path, cache):
    if path.is_dir():
        return datasets.load_dataset(str(path), split="train", cache_dir=str(cache))
    return datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(cache))


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", ["ms-swift", "llama-factory"])
def test_what_appears_late_in_a_large_file_is_loaded(root, name, whole):
    folder = root / "out"
    records = build_late()
    done = export_records(records, root, folder, format=name)
    path = folder if whole else done.files[0]
    assert done.files[0].stat().st_size > 11 << 20
    table = load(path, root / "cache")
    rows = {row["id"]: row for row in table}
    assert len(rows) == table.num_rows == len(records)
    assert all(rows[record.id]["images"] == list(record.images) for record in records)
    assert all(rows[record.id]["license"] == (record.license or "") for record in records)
    moved = [row["id"] for row in table]
    assert [b for a, b in pairwise(moved) if int(a[1:]) > int(b[1:])] in ([], ["r0"])


@pytest.mark.parametrize("name", list_writers())
def test_every_export_loads_where_all_but_the_texts_comes_late(root, name):
    records = [record for record in build_late() if len(record.prompt) == 1]
    if name in ("rlhfv", "rlaifv"):  # of one picture each
        records = [replace(record, images=("images/a.png",)) for record in records]
    done = export_records(records, root, root / "out", format=name)
    assert load(root / "out", root / "cache").num_rows == done.rows == len(records)


def test_our_own_lines_load_with_meta_of_any_form(root):
    records = build_late()
    done = export_records(records, root, root / "out", format="errata")
    assert done.files[0].stat().st_size > 11 << 20
    rows = list(load(root / "out", root / "cache"))
    assert [row["id"] for row in rows] == [record.id for record in records]
    assert [row["meta"] or {} for row in rows] == [record.meta for record in records]
    assert [len(row["responses"]) for row in rows] == [2] * len(records)
    again = read_records(import_records(root / "out", root / "in").path)
    assert [replace(one, images=()) for one in again] == [replace(one, images=()) for one in records]


def test_pictures_that_begin_late_change_places_only_where_they_must(root):
    records = [*build_late()[:3], build_record(3)]
    path = export_records(records, root, root / "pairs.jsonl", format="ms-swift").files[0]
    assert [row["id"] for row in load(path, root / "cache")] == ["r0", "r1", "r2", "r3"]


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("level", [0, 1])
def test_an_answer_with_a_pictures_mark_is_refused(root, name, level):
    texts = ["A cube.", "A ball."]
    texts[level] += " See <image>."
    answers = tuple(Response((Turn("assistant", text),), number) for number, text in enumerate(texts))
    with pytest.raises(DataError, match=f"record 'r1'.*<image>.*answer {level}") as caught:
        export_records([build_record(0), build_record(1, responses=answers)], root, root / "out", format=name)
    assert "leave the record out" in caught.value.fix
    assert not [*(root / "out").glob("train*"), *(root / "out").glob("data/*")]


@pytest.mark.parametrize("name", ["errata", "parquet"])
def test_our_own_formats_hold_any_answer(root, name):
    record = build_record(0, responses=(build_rounds("A <image>.", level=0), build_rounds("B.", level=1)))
    export_records([record], root, root / "out", format=name)
    (again,) = read_records(import_records(root / "out", root / "in").path)
    assert again.responses[0].text == "A <image>."


@pytest.mark.parametrize("mark", ["<video>", "<audio>"])
def test_marks_that_llama_factory_counts_are_refused(root, mark):
    record = build_record(0, prompt=(Turn("user", f"What does {mark} do?"),))
    with pytest.raises(DataError, match=mark):
        export_records([record], root, root / "out", format="llama-factory")
    export_records([build_record(0)], root, root / "good", format="llama-factory")
    path = root / "good" / "train.json"
    path.write_text(path.read_text().replace("What?", f"What does {mark} do?"))
    with pytest.raises(ValueError, match=mark):
        read_like_llama_factory(root / "good", "good", root / "cache")


def test_the_card_says_where_ms_swift_looks_for_pictures(root):
    export_records([build_record(0)], root, root / "out", format="ms-swift")
    assert "ROOT_IMAGE_DIR" in (root / "out" / "README.md").read_text()
