"""What is written is what others load: files, folders with a card, the Hub; and what is lost is told."""

from __future__ import annotations

import json
from dataclasses import replace

import datasets
import pyarrow.parquet as pq
import pytest
import yaml

from errata.cli import main
from errata.data import export_records, import_records, push_folder
from errata.data.import_records import open_source
from errata.data.rows import parquet
from errata.data.rows.sources import build_hub_source
from errata.errors import DataError, StorageError
from errata.records import Record, Response, Segment, Turn, read_records, write_records
from foreign_rows import save_pictures


def build_records(count: int = 3, **fields) -> list[Record]:
    worse = Response((Turn("assistant", "A ball."),), 1, (Segment(2, 6, 2, 6, "object"),), "llava")
    worst = Response((Turn("assistant", "Two cats."),), 2)
    best = Response((Turn("assistant", "A cube."),), 0)
    values = {"prompt": (Turn("user", "What?"),), "responses": (best, worse, worst), "license": "CC BY-NC 4.0"}
    return [Record(id=f"r{i}", images=("images/a.png",), **(values | fields)) for i in range(count)]


PAIR = (Response((Turn("assistant", "A cube."),), 0), Response((Turn("assistant", "A ball."),), 1))


@pytest.fixture
def root(tmp_path):
    save_pictures(tmp_path, "images/a.png")
    return tmp_path


DROPPED = {
    "trl": {"levels": 3, "segment types": 3, "models": 3},
    "rlhfv": {"levels": 3, "segment types": 3},
    "rlaifv": {"levels": 3, "segment types": 3},
    "amp": {"segment types": 3},
    "llama-factory": {"levels": 3, "segment types": 3, "names of models": 3},
    "ms-swift": {"levels": 3, "segment types": 3, "names of models": 3},
    "parquet": {},
    "errata": {},
}


@pytest.mark.parametrize("name", DROPPED)
def test_a_folder_is_loaded_by_datasets_and_says_what_is_lost(root, name):
    done = export_records(build_records(), root, root / "out", format=name)
    assert done.dropped == DROPPED[name]
    loaded = datasets.load_dataset(str(root / "out"), cache_dir=str(root / "cache"))
    assert list(loaded) == ["train"]
    assert len(loaded["train"]) == done.rows == (3 if name in ("amp", "parquet", "errata") else 6)
    row = loaded["train"][0]
    if name in ("trl", "parquet"):
        assert row["images"][0].size == (4, 3)
    elif name != "amp":
        assert row["image"].size == (4, 3) if "image" in row else row["images"] == ["images/a.png"]
    else:
        assert (root / "out" / row["image"]).is_file()


def test_the_card_says_what_there_is(root):
    records = build_records() + build_records(2, license="CC0", source="<b>x|y</b>")
    records = [Record(**{f: getattr(r, f) for f in r.__slots__} | {"id": f"n{i}"}) for i, r in enumerate(records)]
    export_records(records, root, root / "pairs", format="trl")
    text = (root / "pairs" / "README.md").read_text()
    header = yaml.safe_load(text.split("---")[1])
    assert header["license"] == "other"
    assert header["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*.parquet"}]
    assert header["size_categories"] == ["n<1K"]
    assert "# pairs" in text
    assert "| CC BY-NC 4.0 | 3 |" in text
    assert "| CC0 | 2 |" in text
    assert "| &lt;b>x\\|y&lt;/b> | 2 |" in text
    assert "| models | 5 |" in text
    export_records(build_records(), root, root / "pairs", format="parquet")
    assert yaml.safe_load((root / "pairs" / "README.md").read_text().split("---")[1])["license"] == "cc-by-nc-4.0"


def test_large_data_become_several_files_and_old_ones_go(root, monkeypatch):
    monkeypatch.setattr(parquet, "SHARD_BYTES", 2000)
    export_records(build_records(50), root, root / "out", format="parquet")
    names = sorted(path.name for path in (root / "out" / "data").iterdir())
    assert len(names) > 1
    assert names[0] == f"train-00000-of-{len(names):05}.parquet"
    assert [record.id for record in import_all(root / "out", root / "in")] == [f"r{i}" for i in range(50)]
    monkeypatch.undo()
    export_records(build_records(), root, root / "out", format="parquet")
    assert [path.name for path in (root / "out" / "data").iterdir()] == ["train-00000-of-00001.parquet"]


def import_all(source, out):
    return read_records(import_records(source, out).path)


def test_a_failed_export_leaves_the_old_rows_and_no_card(root):
    export_records(build_records(), root, root / "out", format="parquet")
    before = (root / "out" / "data" / "train-00000-of-00001.parquet").read_bytes()
    bad = [*build_records(), build_records(1, responses=build_records()[0].responses[:1])[0]]
    with pytest.raises(DataError, match="record 'r0': levels"):
        export_records(bad, root, root / "out", format="trl")
    assert [path.name for path in (root / "out" / "data").iterdir()] == ["train-00000-of-00001.parquet"]
    assert (root / "out" / "data" / "train-00000-of-00001.parquet").read_bytes() == before
    assert not (root / "out" / "README.md").exists()


@pytest.mark.parametrize(
    ("fields", "name", "words"),
    [
        ({"images": ()}, "rlaifv", "record 'r0': 0 images"),
        ({"images": ("../a.png",)}, "trl", r"record 'r0': \.\./a\.png: it leads to"),
        ({"images": ("none.png",)}, "parquet", "record 'r0': none.png: No such file"),
        ({"prompt": (Turn("system", "x"), Turn("user", "What?"))}, "amp", "record 'r0': 1 image;.*no system turn"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_with_the_record(root, fields, name, words):
    record = build_records(1)[0]
    values = {f: getattr(record, f) for f in record.__slots__} | fields
    with pytest.raises(DataError, match=words):
        export_records([Record(**values)], root, root / "out", format=name)


@pytest.mark.parametrize(
    ("name", "out", "words"),
    [
        ("vlfeedback", "x", "expected a format that can be written: errata, parquet, rlhfv"),
        ("trl", "x.json", r"expected a file that ends in \.parquet"),
        ("csv-ish", "x", "choose one"),
    ],
)
def test_a_wrong_format_or_ending_is_named(root, name, out, words):
    with pytest.raises(DataError, match=words):
        export_records(build_records(), root, root / out, format=name)


def test_images_of_json_are_copied_beside_it(root):
    export_records(build_records(), root, root / "out" / "amp.json", format="amp")
    assert json.loads((root / "out" / "amp.json").read_text())[0]["image"] == "images/a.png"
    assert (root / "out" / "images" / "a.png").read_bytes() == (root / "images" / "a.png").read_bytes()


def test_a_data_set_that_datasets_loads_is_imported_row_by_row(root):
    export_records(build_records(), root, root / "hub" / "set", format="trl")
    source = build_hub_source(str(root / "hub" / "set"))
    assert (source.kind, tuple(source.columns())[:2]) == ("hub", ("images", "prompt"))
    rows = list(source.rows())
    assert rows[0].read()["images"][0]["bytes"] == (root / "images" / "a.png").read_bytes()
    assert rows[-1].where.endswith("row 6")


def test_a_name_is_taken_from_the_hub(root, monkeypatch):
    export_records(build_records(), root, root / "hub" / "set", format="parquet")
    original = datasets.load_dataset
    monkeypatch.setattr(
        datasets, "load_dataset", lambda name, **options: original(str(root / "hub" / "set"), **options)
    )
    assert import_all("owner/name", root / "in") == import_all(root / "hub" / "set", root / "in2")


@pytest.mark.parametrize(("split", "words"), [("train", "Couldn't reach 'owner/none' on the Hub"), ("test", "")])
def test_a_name_that_cannot_be_reached_is_a_readable_error(monkeypatch, split, words):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=rf"owner/none: {words}.*; expected a data set with a split '{split}'"):
        open_source("owner/none", split)


def test_a_split_that_is_not_there_is_named_with_those_that_are(root):
    export_records(build_records(), root, root / "set", format="trl")
    with pytest.raises(DataError, match=r"Available splits: \['train'\]"):
        build_hub_source(str(root / "set"), "test")


def test_nothing_is_uploaded_offline(root, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    export_records(build_records(), root, root / "out", format="trl")
    with pytest.raises(StorageError, match=r"Hub: owner/name: .*offline.*go online and run `hf auth login`"):
        push_folder(root / "out", "owner/name")


def test_the_parquet_keeps_types_that_readers_expect(root):
    export_records(build_records(), root, root / "out.parquet", format="rlhfv")
    schema = pq.read_schema(root / "out.parquet")
    assert str(schema.field("idx").type) == "int64"
    assert schema.field("image").type.names == ["bytes", "path"]


@pytest.mark.parametrize("name", DROPPED)
def test_one_record_does_not_cost_an_export(root, name, capsys):
    good, marked, lost = build_records(3, responses=PAIR)
    marked = replace(marked, responses=(Response((Turn("assistant", "A cube: <image>."),), 0), PAIR[1]))
    write_records(root / "some.jsonl", [good, marked, replace(lost, images=("images/lost.png",))])
    command = ["data", "export", str(root / "some.jsonl"), "--format", name, "--out", str(root / "out")]
    assert main(command) == 2
    assert "or run with --skip-bad to set it aside" in capsys.readouterr().err
    assert main([*command, "--skip-bad"]) == 3
    aside = [json.loads(line) for line in (root / "out" / "bad.jsonl").read_text().splitlines()]
    refused = ["r2"] if name in ("errata", "parquet") else ["r1", "r2"]
    assert [json.loads(row["line"])["id"] for row in aside] == refused
    loaded = datasets.load_dataset(str(root / "out"), split="train", cache_dir=str(root / "cache"))
    assert len(loaded) == 3 - len(refused)
