"""Rows lie in many containers: objects with a list, compressed files, tables of spreadsheets, folders of `datasets`."""

from __future__ import annotations

import bz2
import gzip
import json
import logging
import lzma
from pathlib import Path

import datasets
import pyarrow as pa
import pytest
from PIL import Image

from errata.cli import main
from errata.data import import_records, load_records
from errata.errors import DataError
from errata.records import BadRow, Record, read_records

ROWS = [{"question": f"Q{number}?", "chosen": "Good.", "rejected": "Bad."} for number in range(3)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


def read(source: Path, out: Path, **options) -> list[Record]:
    return read_records(import_records(source, out, **options).path)


def questions(records: list[Record]) -> list[str]:
    return [record.prompt[0].text for record in records]


OBJECTS = {
    "data": {"data": ROWS},
    "annotations behind a header": {"info": {"a": [1, 2]}, "version": 1, "annotations": ROWS},
    "a split": {"train": ROWS, "license": "x"},
    "any name": {"my pairs": ROWS, "sizes": [1, 2]},
}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_with_one_list_of_rows_is_these_rows(tmp_path, name, indent):
    (tmp_path / "a.json").write_text(json.dumps(OBJECTS[name], indent=indent))
    assert questions(read(tmp_path / "a.json", tmp_path / "out")) == ["Q0?", "Q1?", "Q2?"]
    assert questions(load_records(tmp_path / "a.json").records) == ["Q0?", "Q1?", "Q2?"]


@pytest.mark.parametrize("indent", [None, 1])
def test_an_object_that_is_a_row_is_a_row(tmp_path, indent):
    turns = [{"role": "user", "content": "Q0?"}, {"role": "assistant", "content": "Good."}]
    own = {"id": "a", "prompt": "Q0?", "responses": [{"level": 0, "text": "A."}]}
    for row in (ROWS[0], {"messages": turns, "rejected_response": "Bad."}, {"talk": 1} | {"messages": turns}, own):
        (tmp_path / "a.json").write_text(json.dumps(row, indent=indent))
        assert questions(read(tmp_path / "a.json", tmp_path / "out")) == ["Q0?"]


def test_objects_over_several_lines_follow_one_another(tmp_path):
    (tmp_path / "a.json").write_text("\n".join(json.dumps(row, indent=1) for row in ROWS))
    assert questions(read(tmp_path / "a.json", tmp_path / "out")) == ["Q0?", "Q1?", "Q2?"]


def test_of_a_list_for_each_split_one_is_read_and_the_others_are_told(tmp_path, caplog):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"note": [1, 2], "train": ROWS, "test": ROWS[1:]}, indent=1))
    done = import_records(path, tmp_path / "out")
    assert (done.records, done.told) == (3, {"split 'test' not read": 1})
    assert import_records(path, tmp_path / "out", split="test").records == 2
    with caplog.at_level(logging.WARNING):
        assert len(load_records(path).records) == 3
    assert "split 'test' not read (1)" in caplog.text


def test_files_of_several_splits_in_a_folder_are_told(tmp_path):
    for name in ("train-00000-of-00001.jsonl", "test-00000-of-00001.jsonl"):
        (tmp_path / "clone").mkdir(exist_ok=True)
        (tmp_path / "clone" / name).write_text(LINES)
    told = import_records(tmp_path / "clone", tmp_path / "out").told
    assert told == {f"a file of split {name!r}, read with the others": 1 for name in ("test", "train")}
    (tmp_path / "clone" / "test-00000-of-00001.jsonl").unlink()
    assert not import_records(tmp_path / "clone", tmp_path / "out").told


def test_a_file_address_is_a_path_below_the_image_root(tmp_path):
    Image.new("RGB", (4, 3)).save(tmp_path / "a b.png")
    row = ROWS[0] | {"image": f"file://{tmp_path}/a%20b.png"}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    assert len(read(tmp_path / "a.jsonl", tmp_path / "out")[0].images) == 1
    (tmp_path / "a.jsonl").write_text(json.dumps(row | {"image": "file:///etc/passwd"}))
    with pytest.raises(DataError, match="an absolute path outside"):
        import_records(tmp_path / "a.jsonl", tmp_path / "out")


def test_several_lists_and_broken_objects_are_one_error(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"first": ROWS, "second": ROWS}, indent=1))
    with pytest.raises(DataError, match=r"lists 'first', 'second'; expected one list of rows, or one under 'train'"):
        import_records(path, tmp_path / "out")
    path.write_text(json.dumps({"data": ROWS}, indent=1)[:-20])
    aside: list[BadRow] = []
    assert len(read(path, tmp_path / "out", on_bad=aside.append)) == 2
    assert len(aside) == 1
    path.write_text(json.dumps({"data": ROWS}) + "\n{}")
    with pytest.raises(DataError, match="something behind"):
        import_records(path, tmp_path / "out")
    path.write_text(json.dumps({str(number): row for number, row in enumerate(ROWS * 200)}, indent=1))
    with pytest.raises(DataError, match="known format") as caught:
        import_records(path, tmp_path / "out")
    assert len(str(caught.value)) < 1500


PACKED = {
    "a.jsonl.gz": gzip.compress,
    "a.json.bz2": bz2.compress,
    "a.jsonl.xz": lzma.compress,
    "a.ndjson.zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


@pytest.mark.parametrize("name", PACKED)
def test_compressed_files_are_read_as_they_are(tmp_path, name):
    (tmp_path / name).write_bytes(PACKED[name](b"\xef\xbb\xbf" + LINES.encode()))
    assert questions(read(tmp_path / name, tmp_path / "out")) == ["Q0?", "Q1?", "Q2?"]
    (tmp_path / "in").mkdir()
    (tmp_path / name).rename(tmp_path / "in" / name)
    assert questions(read(tmp_path / "in", tmp_path / "all")) == ["Q0?", "Q1?", "Q2?"]


@pytest.mark.parametrize("name", PACKED)
def test_a_damaged_compressed_file_is_an_error_of_the_file(tmp_path, name):
    (tmp_path / name).write_bytes(PACKED[name](LINES.encode() * 50)[:-12])
    with pytest.raises(DataError, match="expected a whole compressed file; download it again"):
        import_records(tmp_path / name, tmp_path / "out")
    assert not (tmp_path / "out" / "records.jsonl").exists()


@pytest.mark.parametrize("name", ["a.zip", "a.xlsx", "a.pkl"])
def test_an_archive_is_not_taken_for_json(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK\3\4")
    with pytest.raises(DataError, match="expected a file of rows; unpack or convert it"):
        import_records(tmp_path / name, tmp_path / "out")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_spreadsheets_part_cells_in_several_ways(tmp_path, mark):
    cells = [["prompt", "chosen", "rejected"], ["Q0?", '"A; b, c|d\te"', "B."]]
    (tmp_path / "a.csv").write_text("".join(mark.join(row) + "\n" for row in cells))
    (record,) = read(tmp_path / "a.csv", tmp_path / "out")
    assert record.responses[0].text == "A; b, c|d\te"


def build() -> datasets.Dataset:
    return datasets.Dataset.from_list([ROWS[0] | {"image": Image.new("RGB", (4, 3), "red")}])


def test_what_datasets_saved_to_disk_is_read_wherever_data_are_named(tmp_path, capsys):
    build().save_to_disk(tmp_path / "saved")
    (record,) = read(tmp_path / "saved", tmp_path / "out")
    assert (record.prompt[0].text, len(record.images)) == ("Q0?", 1)
    assert read(tmp_path / "saved" / "data-00000-of-00001.arrow", tmp_path / "file")[0].images == record.images
    loaded = load_records(tmp_path / "saved", import_dir=tmp_path / "data")
    assert [one.images for one in loaded.records] == [record.images]
    (tmp_path / "below").mkdir()
    (tmp_path / "saved").rename(tmp_path / "below" / "saved")
    assert len(read(tmp_path / "below", tmp_path / "nested")) == 1
    assert main(["data", "check", str(tmp_path / "below" / "saved")]) == 2
    assert "errata data import" in capsys.readouterr().err


def test_one_split_of_several_is_read_and_the_others_are_told(tmp_path, capsys):
    data = build()
    datasets.DatasetDict({"train": data, "test": data}).save_to_disk(tmp_path / "two")
    command = ["data", "import", str(tmp_path / "two"), "--out", str(tmp_path / "out")]
    assert main(command) == 0
    assert "note: split 'test' not read (1)" in capsys.readouterr().out
    assert len(read_records(tmp_path / "out" / "records.jsonl")) == 1
    assert main([*command, "--split", "dev"]) == 2
    assert "train, test; expected a split 'dev'" in capsys.readouterr().err
    datasets.DatasetDict({"dev": data}).save_to_disk(tmp_path / "one")
    assert len(read(tmp_path / "one", tmp_path / "out")) == 1


def test_a_damaged_arrow_file_is_named(tmp_path):
    build().save_to_disk(tmp_path / "saved")
    file = tmp_path / "saved" / "data-00000-of-00001.arrow"
    whole = file.read_bytes()
    for data in (b"", b"hello", whole[:-40], whole[: len(whole) // 2]):
        file.write_bytes(data)
        with pytest.raises(DataError, match="expected a whole Arrow file"):
            import_records(tmp_path / "saved", tmp_path / "out")
