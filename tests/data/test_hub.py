"""The Hub, in and out: what streams in by a name, and what an upload asks for; the Hub itself is stood in for."""

from __future__ import annotations

import json

import datasets
import pytest
from huggingface_hub.utils import filter_repo_objects

from errata.cli import main
from errata.data import dataset_card, export_records, import_records, push_folder
from errata.data.rows.sources import build_hub_source, is_hub_name
from errata.errors import DataError
from errata.records import Record, Response, Turn, read_records, write_records
from foreign_rows import save_pictures


@pytest.fixture
def root(tmp_path):
    save_pictures(tmp_path, "a.png")
    answers = tuple(Response((Turn("assistant", text),), level) for level, text in enumerate(("A cube.", "A ball.")))
    write_records(
        tmp_path / "records.jsonl",
        [Record(f"r{number}", ("a.png",), (Turn("user", "What?"),), answers) for number in range(3)],
    )
    return tmp_path


def export(root, name, out):
    return export_records(read_records(root / "records.jsonl"), root, out, format=name)


@pytest.mark.parametrize(
    ("source", "expected"),
    [("openbmb/RLHF-V-Dataset", True), ("a/b/c", False), ("a/..", False), ("set", False), ("https://x/y", False)],
)
def test_what_may_be_a_name_on_the_hub(source, expected):
    assert is_hub_name(source) is expected


@pytest.mark.parametrize("name", ["rlhfv", "rlaifv", "trl", "parquet"])
def test_a_released_table_streams_in_by_its_name(root, monkeypatch, name):
    """What `datasets` makes of the rows, pictures undecoded, is read as the file itself is."""
    export(root, name, root / "set")
    load = datasets.load_dataset
    monkeypatch.setattr(datasets, "load_dataset", lambda _, **options: load(str(root / "set"), **options))
    by_name = import_records("owner/name", root / "one")
    by_file = import_records(root / "set", root / "two")
    assert read_records(by_name.path) == read_records(by_file.path)
    assert by_name.records == 3
    (picture,) = (root / "one" / "images").iterdir()
    assert picture.read_bytes() == (root / "a.png").read_bytes()


def test_a_stream_counts_its_rows_where_the_card_says_them(root):
    export(root, "trl", root / "set")
    source = build_hub_source(str(root / "set"))
    assert source.count() in (None, 3)
    assert [raw.where for raw in source.rows()] == [f"{root / 'set'}: row {number}" for number in (1, 2, 3)]
    assert [raw.number for raw in source.rows()] == [1, 2, 3]  # each call begins anew


def test_a_connection_that_breaks_is_no_bad_row(root, monkeypatch):
    export(root, "trl", root / "set")
    rows = list(build_hub_source(str(root / "set")).rows())

    class Broken:
        info = datasets.DatasetInfo()
        column_names = None

        def __iter__(self):
            yield from (raw.data for raw in rows[:2])
            raise ConnectionError("the line went dead\nmore")

    monkeypatch.setattr("errata.data.rows.sources.build_dataset", lambda *_: Broken())
    aside = []
    with pytest.raises(DataError, match="owner/name: row 3: the line went dead; expected the next row; give the"):
        import_records("owner/name", root / "out", on_bad=aside.append)
    assert aside == []
    assert not (root / "out" / "records.jsonl").exists()


def test_a_name_without_a_network_is_bad_input(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    code = main(["data", "import", "openbmb/RLHF-V-Dataset", "--out", str(tmp_path / "out"), "--skip-bad"])
    error = capsys.readouterr().err
    assert code == 2
    assert error.startswith("error: openbmb/RLHF-V-Dataset: Couldn't reach")
    assert "; expected a data set with a split 'train'" in error
    assert "download the files and name their folder" in error
    assert not (tmp_path / "out" / "records.jsonl").exists()


class Api:
    """Keeps what it is asked for, with the signatures of the real one."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.calls, self._refusal = [], refusal

    def create_repo(self, repo_id, **options):
        self.calls.append(("create", repo_id, options))
        return f"https://hub.example/datasets/{repo_id}"

    def upload_folder(self, **options):
        if self._refusal is not None:
            raise self._refusal
        self.calls.append(("upload", options.pop("repo_id"), options))


def test_an_export_is_uploaded_whole_and_private(root, monkeypatch, capsys):
    api = Api()
    monkeypatch.setattr(dataset_card, "build_api", lambda: api)
    command = ["data", "export", str(root / "records.jsonl"), "--format", "rlaifv", "--out", str(root / "set")]
    assert main([*command, "--push-to-hub", "me/set"]) == 0
    assert "uploaded: https://hub.example/datasets/me/set" in capsys.readouterr().out
    (made, name, options), (uploaded, target, files) = api.calls
    assert (made, name, uploaded, target) == ("create", "me/set", "upload", "me/set")
    assert options == {"repo_type": "dataset", "private": True, "exist_ok": True}
    assert files["repo_type"] == "dataset"
    assert files["folder_path"] == str(root / "set")
    assert (root / "set" / "README.md").is_file()


def test_shards_of_an_earlier_upload_go_and_what_a_kill_left_stays_here(root, monkeypatch):
    """The card would take old shards for rows of this data set."""
    export(root, "trl", root / "set")
    api = Api()
    monkeypatch.setattr(dataset_card, "build_api", lambda: api)
    assert push_folder(root / "set", "me/set") == "https://hub.example/datasets/me/set"
    files = api.calls[1][2]
    there = ["README.md", "data/train-00000-of-00001.parquet", "data/train-00001-of-00002.parquet", "notes.txt"]
    assert list(filter_repo_objects(there, allow_patterns=files["delete_patterns"])) == there[1:3]
    here = ["README.md", "data/train-00000-of-00001.parquet", "data/.train-00001.parquet.tmp", "images/.71.tmp"]
    assert list(filter_repo_objects(here, ignore_patterns=files["ignore_patterns"])) == here[:2]


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (PermissionError("403 Forbidden: no write token\ntrace"), "403 Forbidden: no write token"),
        (OSError(), "OSError"),
    ],
)
def test_a_refused_upload_says_so_and_the_folder_stays(root, monkeypatch, capsys, refusal, words):
    monkeypatch.setattr(dataset_card, "build_api", lambda: Api(refusal))
    command = ["data", "export", str(root / "records.jsonl"), "--format", "amp", "--out", str(root / "set")]
    assert main([*command, "--push-to-hub", "me/set"]) == 2
    error = next(line for line in capsys.readouterr().err.splitlines() if line.startswith("error: "))
    assert error.startswith(f"error: Hub: me/set: {words}; expected a data set that can be written; go online and run")
    assert len(json.loads((root / "set" / "train.json").read_text())) == 3


def test_a_file_is_not_uploaded(root, capsys):
    command = ["data", "export", str(root / "records.jsonl"), "--format", "amp", "--out", str(root / "x.json")]
    assert main([*command, "--push-to-hub", "me/set"]) == 2
    assert "expected a folder as --out" in capsys.readouterr().err
    assert not (root / "x.json").exists()
