"""RLHF-V's parquet and TRL's rows, in and out."""

from __future__ import annotations

import base64
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from errata.corrections import apply_segments
from errata.data import export_records, import_records, load_records, record_to_trl, records_from_trl
from errata.data.formats.rlhfv import SCHEMA
from errata.data.rows.parquet import read_parquet
from errata.errors import DataError, StorageError
from errata.images import open_image
from errata.records import BadRow, Record, Response, Segment, Turn, read_records, write_records


def png(colour: str = "red") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 3), colour).save(stream, "PNG")
    return stream.getvalue()


def imported(source, out, **options) -> list[Record]:
    done = import_records(source, out, **options)
    records = read_records(done.path)
    assert len(records) == done.records
    return records


def rlhfv_row(idx: int = 0, **fields) -> dict:
    text = {"question": "What is it?", "chosen": "A red cube.", "rejected": "A red ball and a cat."}
    row = {
        "ds_name": "RLHF-V",
        "image": {"bytes": png(), "path": "x.png"},
        "text": json.dumps(text),
        "origin_dataset": "COCO",
        "origin_split": json.dumps({"model": "Muffin", "type": "detailed_description"}),
        "idx": idx,
        "image_path": "coco/x.png",
    }
    return row | fields


def write(path, rows, schema=SCHEMA):
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
    return path


def test_an_rlhfv_row_becomes_a_record_with_its_picture(tmp_path):
    source = write(tmp_path / "a.parquet", [rlhfv_row(7)])
    (record,) = imported(source, tmp_path / "out")
    assert (record.id, record.source, record.license) == ("RLHF-V-7", "RLHF-V", "CC BY-NC 4.0")
    assert record.responses[1].model == "Muffin"
    assert record.meta["origin_split"]["type"] == "detailed_description"
    worse, best = record.responses[1], record.responses[0]
    assert apply_segments(worse.text, worse.segments, best.text) == best.text
    assert (tmp_path / "out" / record.images[0]).read_bytes() == png()
    assert read_records(tmp_path / "out" / "records.jsonl") == [record]


def test_many_rows_share_pictures_and_keep_their_order(tmp_path):
    rows = [rlhfv_row(number % 50) for number in range(100)]
    records = imported(write(tmp_path / "a.parquet", rows), tmp_path / "out")
    assert len({record.id for record in records}) == 100
    assert [record.id for record in records][:2] == ["RLHF-V-0", "RLHF-V-1"]
    assert len(list((tmp_path / "out" / "images").iterdir())) == 1


@pytest.mark.parametrize(
    ("origin", "model"),
    [
        (base64.b64encode(b'{"model": "LLaVA"}').decode(), "LLaVA"),
        ("train", None),
        ("", None),
        (None, None),
        ('["a"]', None),
        ('{"model": 3}', None),
    ],
)
def test_older_forms_of_the_origin_are_read(tmp_path, origin, model):
    source = write(tmp_path / "a.parquet", [rlhfv_row(origin_split=origin)])
    assert imported(source, tmp_path / "out")[0].responses[1].model == model


BAD_ROWS = {
    "text is no JSON": {"text": "hello"},
    "text is a list": {"text": '["a", "b", "c"]'},
    "text is missing": {"text": None},
    "no rejected": {"text": '{"question": "a", "chosen": "b"}'},
    "empty chosen": {"text": '{"question": "a", "chosen": "", "rejected": "c"}'},
    "identical": {"text": '{"question": "a", "chosen": "b", "rejected": "b"}'},
    "a number": {"text": '{"question": "a", "chosen": 1, "rejected": "b"}'},
    "half a character": {"text": '{"question": "a", "chosen": "\\ud800", "rejected": "b"}'},
    "no image": {"image": None},
    "no bytes": {"image": {"bytes": None, "path": "a.png"}},
    "not a picture": {"image": {"bytes": b"hello", "path": "a.png"}},
    "cut off": {"image": {"bytes": png()[:-30], "path": "a.png"}},
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_names_its_place_and_can_be_set_aside(tmp_path, name):
    source = write(tmp_path / "a.parquet", [rlhfv_row(0), rlhfv_row(1, **BAD_ROWS[name]), rlhfv_row(2)])
    with pytest.raises(DataError, match=r"a\.parquet: row 2"):
        import_records(source, tmp_path / "out")
    aside: list[BadRow] = []
    records = imported(source, tmp_path / "out", on_bad=aside.append)
    assert [record.id for record in records] == ["RLHF-V-0", "RLHF-V-2"]
    assert json.loads(aside[0].line)["idx"] == 1


def test_damaged_and_foreign_files_are_named(tmp_path):
    whole = write(tmp_path / "a.parquet", [rlhfv_row(number) for number in range(40)])
    cases = {
        "cut.parquet": whole.read_bytes()[:-100],
        "text.parquet": b"hello",
        "empty.parquet": b"",
    }
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match="whole parquet"):
            import_records(tmp_path / name, tmp_path / "out")
    with pytest.raises(DataError, match=r"columns a"):
        import_records(write(tmp_path / "b.parquet", [{"a": 1}], pa.schema([("a", pa.int64())])), tmp_path / "out")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "none.parquet", tmp_path / "folder"):
        with pytest.raises(DataError):
            import_records(path, tmp_path / "out")


def test_a_large_file_is_read_in_parts(tmp_path):
    rows = [rlhfv_row(number, image={"bytes": bytes([number]) * 100_000, "path": "a"}) for number in range(200)]
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.Table.from_pylist(rows, SCHEMA), path, row_group_size=10, compression="none", use_dictionary=False
    )
    before, most, seen = pa.total_allocated_bytes(), 0, 0
    for _, row in read_parquet(path):
        most = max(most, pa.total_allocated_bytes() - before)
        seen += row["idx"] == seen
    assert seen == 200
    assert path.stat().st_size > 20_000_000
    assert most < 6_000_000


def test_damage_inside_a_file_is_an_error_of_the_file(tmp_path):
    data = bytearray(write(tmp_path / "a.parquet", [rlhfv_row(number) for number in range(40)]).read_bytes())
    data[4:200] = bytes(196)
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(DataError, match="parquet"):
        import_records(tmp_path / "a.parquet", tmp_path / "out")


def pair(**fields) -> Record:
    values = {
        "id": "a",
        "images": ("a.png",),
        "prompt": (Turn("user", "<image>\nWhat?"),),
        "responses": (
            Response((Turn("assistant", "A cube."),), 0),
            Response((Turn("assistant", "A ball."),), 1, (Segment(2, 6, 2, 6, "object"),), "llava"),
            Response((Turn("assistant", "Two balls."),), 2, (Segment(0, 9, 0, 6, "number"),)),
        ),
    }
    return Record(**(values | fields))


def test_records_go_out_as_rlhfv_and_come_back(tmp_path):
    (tmp_path / "a.png").write_bytes(png())
    done = export_records([pair(license="CC0")], tmp_path, tmp_path / "b.parquet", format="rlhfv")
    assert done.dropped == {"segment types": 2, "levels": 1}
    first, second = imported(tmp_path / "b.parquet", tmp_path / "out")
    assert (first.prompt[0].text, first.responses[0].text, second.responses[1].text) == (
        "<image>\nWhat?",
        "A cube.",
        "Two balls.",
    )
    assert (first.license, first.responses[1].model) == ("CC0", "llava")
    assert first.responses[1].segments == (Segment(2, 6, 2, 6),)


def test_datasets_reads_what_is_written(tmp_path):
    datasets = pytest.importorskip("datasets")
    (tmp_path / "a.png").write_bytes(png())
    export_records([pair()], tmp_path, tmp_path / "b.parquet", format="rlhfv")
    rows = datasets.Dataset.from_parquet(str(tmp_path / "b.parquet"), cache_dir=str(tmp_path / "cache"))
    assert rows[0]["image"].size == (4, 3)
    assert list(json.loads(rows[0]["text"])) == ["question", "chosen", "rejected"]


@pytest.mark.parametrize(
    "fields",
    [
        {"images": (), "prompt": (Turn("user", "What?"),)},
        {"prompt": (Turn("system", "x"), Turn("user", "What?"))},
        {"responses": pair().responses[:1]},
        {"images": ("none.png",)},
        {"images": ("../a.png",)},
    ],
)
def test_what_rlhfv_cannot_hold_is_refused(tmp_path, fields):
    (tmp_path / "a.png").write_bytes(png())
    with pytest.raises(DataError):
        export_records([pair(**fields)], tmp_path, tmp_path / "b.parquet", format="rlhfv")
    assert not list(tmp_path.glob("b.parquet*"))


def test_a_parquet_that_cannot_be_written_is_a_storage_error(tmp_path):
    (tmp_path / "a.png").write_bytes(png())
    with pytest.raises(StorageError):
        export_records([pair()], tmp_path, tmp_path / "a.png" / "b.parquet", format="rlhfv")


def user(*content) -> list[dict]:
    return [{"role": "user", "content": list(content)}]


def trl_row(**fields) -> dict:
    row = {
        "images": [Image.new("RGB", (4, 3), "red")],
        "prompt": user({"type": "image"}, {"type": "text", "text": "What?"}),
        "chosen": [{"role": "assistant", "content": [{"type": "text", "text": "A cube."}]}],
        "rejected": [{"role": "assistant", "content": "A ball."}],
    }
    return {name: value for name, value in (row | fields).items() if value is not ...}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"images": ..., "image": Image.new("RGB", (4, 3), "red")},
        {"images": [png()]},
        {"images": [{"bytes": png(), "path": None}]},
        {"prompt": [{"role": "user", "content": "<image>What?"}]},
        {"images": ..., "prompt": user({"type": "image", "image": png()}, {"type": "text", "text": "What?"})},
    ],
)
def test_trl_rows_become_records(tmp_path, fields):
    (record,) = records_from_trl([trl_row(**fields)], tmp_path)
    assert record.prompt == (Turn("user", "<image>What?"),)
    assert record.responses[1].segments == (Segment(2, 6, 2, 6),)
    assert open_image(record.images[0], tmp_path).size == (4, 3)


def test_pictures_in_parts_and_beside_them_keep_their_order(tmp_path):
    inside = {"type": "image", "image": png("blue")}
    prompt = user({"type": "image"}, inside, {"type": "text", "text": "Same?"})
    (record,) = records_from_trl([trl_row(images=[png("red")], prompt=prompt)], tmp_path)
    assert [open_image(image, tmp_path).getpixel((0, 0)) for image in record.images] == [(255, 0, 0), (0, 0, 255)]


def test_a_prompt_that_is_not_given_is_the_common_beginning(tmp_path):
    turns = user({"type": "text", "text": "What?"})
    row = trl_row(prompt=..., chosen=turns + trl_row()["chosen"], rejected=turns + trl_row()["rejected"])
    (record,) = records_from_trl([row], tmp_path)
    assert [turn.text for turn in record.prompt] == ["What?"]
    assert [response.text for response in record.responses] == ["A cube.", "A ball."]


@pytest.mark.parametrize(
    "fields",
    [
        {"chosen": {"role": "user", "content": "A cube."}},
        {"chosen": ...},
        {"rejected": [{"role": "assistant"}]},
        {"rejected": trl_row()["chosen"]},
        {"images": [3]},
        {"images": ["/none/a.png"]},
        {"images": []},
        {"prompt": 3},
    ],
)
def test_a_bad_trl_row_is_named(tmp_path, fields):
    rows = [trl_row(), trl_row(**fields)]
    with pytest.raises(DataError, match="row 2"):
        records_from_trl(rows, tmp_path)
    aside: list[BadRow] = []
    assert len(records_from_trl(rows, tmp_path, on_bad=aside.append)) == 1
    assert aside[0].where == "row 2"


def test_records_go_out_as_trl_and_come_back_through_datasets_and_parquet(tmp_path):
    datasets = pytest.importorskip("datasets")
    (tmp_path / "a.png").write_bytes(png())
    rows = record_to_trl(pair(prompt=(Turn("user", "What?"),)), tmp_path)
    assert [row["rejected"][0]["content"][0]["text"] for row in rows] == ["A ball.", "Two balls."]
    dataset = datasets.Dataset.from_list(rows)
    expected = records_from_trl(dataset, tmp_path / "images")
    assert expected[0].prompt == (Turn("user", "<image>What?"),)
    dataset.to_parquet(str(tmp_path / "b.parquet"))
    loaded = load_records(tmp_path / "b.parquet")
    assert [record.responses for record in loaded.records] == [record.responses for record in expected]
    assert open_image(loaded.records[0].images[0], loaded.image_root).size == (4, 3)


@pytest.mark.parametrize("picture", [{"bytes": None, "path": "{}"}, "{}"], ids=["struct", "text"])
def test_a_parquet_file_names_no_picture_of_this_machine(tmp_path, picture):
    (tmp_path / "private.png").write_bytes(png())
    named = json.loads(json.dumps(picture).replace("{}", str(tmp_path / "private.png")))
    pq.write_table(pa.Table.from_pylist([trl_row(images=[named])]), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"row 1.*bytes in the row"):
        import_records(tmp_path / "a.parquet", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_load_records_knows_every_form(tmp_path):
    (tmp_path / "a.png").write_bytes(png())
    write_records(tmp_path / "own.jsonl", [pair()])
    export_records([pair()], tmp_path, tmp_path / "b.parquet", format="rlhfv")
    own = load_records(tmp_path / "own.jsonl")
    assert own.records == [pair()]
    assert own.image_root == tmp_path
    assert load_records(tmp_path / "own.jsonl", "elsewhere").image_root.name == "elsewhere"
    parquet = load_records(tmp_path / "b.parquet", import_dir=tmp_path / "data")
    assert parquet.image_root == tmp_path / "data"
    assert load_records(tmp_path / "data").records == parquet.records
    with pytest.raises(DataError):
        load_records(tmp_path / "none.jsonl")
