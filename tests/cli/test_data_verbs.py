"""`errata data …` from arguments to files and printed lines."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from errata.cli import main
from errata.data import export_records
from errata.records import Record, Response, Segment, Turn, read_records, write_records


def record(name: str, text: str = "A ball.", **fields) -> Record:
    worse = Response((Turn("assistant", text),), 1, fields.pop("segments", ()))
    values = {"images": ("a.png",), "prompt": (Turn("user", "What is it?"),)}
    return Record(name, responses=(Response((Turn("assistant", "A cube."),), 0), worse), **(values | fields))


@pytest.fixture
def root(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    return tmp_path


def test_import_and_check(root, capsys):
    export_records([record("a"), record("b", "A cone.")], root, root / "a.parquet", format="rlhfv")
    assert main(["data", "import", str(root / "a.parquet"), "--out", str(root / "out"), "--license", "CC0"]) == 0
    assert f"2 records: {root / 'out' / 'records.jsonl'}" in capsys.readouterr().out
    records = read_records(root / "out" / "records.jsonl")
    assert [one.license for one in records] == ["CC0", "CC0"]
    assert main(["data", "check", str(root / "out")]) == 0
    assert "2 records, nothing found" in capsys.readouterr().out


def test_bad_rows_stop_or_are_set_aside(root, capsys):
    import pyarrow as pa
    import pyarrow.parquet as pq

    export_records([record("a"), record("b", "A cone.")], root, root / "a.parquet", format="rlhfv")
    table = pq.read_table(root / "a.parquet")
    rows = table.to_pylist()
    rows[1]["text"] = "oops"
    pq.write_table(pa.Table.from_pylist(rows, table.schema), root / "a.parquet")
    command = ["data", "import", str(root / "a.parquet"), "--out", str(root / "out")]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "a.parquet: row 2" in error
    assert error.endswith("fix the row, or run with --skip-bad to set it aside  [json]\n")
    assert main([*command, "--skip-bad"]) == 3
    output = capsys.readouterr()
    assert "1 record:" in output.out
    assert "1 bad row set aside" in output.err
    aside = json.loads((root / "out" / "bad.jsonl").read_text())
    assert (set(aside), json.loads(aside["line"])["text"]) == ({"where", "reason", "line"}, "oops")


@pytest.mark.parametrize("verb", [["show"], ["diff", "--out", "new.jsonl"]])
def test_verbs_that_cannot_skip_do_not_say_so(root, capsys, verb):
    (root / "a.jsonl").write_text("oops\n")
    assert main(["data", verb[0], str(root / "a.jsonl"), *verb[1:]]) == 2
    error = capsys.readouterr().err
    assert "a.jsonl:1: " in error
    assert "skip-bad" not in error
    assert error.endswith("fix the row  [json]\n")


def test_check_lists_rows_and_findings(root, capsys):
    write_records(root / "a.jsonl", [record("a", images=("none.png",))])
    with (root / "a.jsonl").open("a") as file:
        file.write("oops\n")
    assert main(["data", "check", str(root / "a.jsonl")]) == 3
    output = capsys.readouterr().out
    assert "a.jsonl:2" in output
    assert "none.png" in output
    assert output.splitlines()[-1] == "1 record in 2 rows, 1 json, 1 no-segments, 1 image"


def test_show_marks_corrections_and_no_text_steers_the_terminal(root, capsys):
    marked = record("b", "A \x1b[31mball.", segments=(Segment(2, 11, 2, 6),))
    write_records(root / "a.jsonl", [record("a"), marked])
    assert main(["data", "show", str(root / "a.jsonl"), "--id", "b"]) == 0
    output = capsys.readouterr().out
    assert "A [-\\x1b[31mball-]{+cube+}." in output
    assert "\x1b" not in output
    assert main(["data", "show", str(root / "a.jsonl"), "--limit", "1"]) == 0
    assert "level 1: A ball." in capsys.readouterr().out
    assert main(["data", "show", str(root / "a.jsonl"), "--id", "c"]) == 2


def test_diff_fills_in_segments_and_keeps_those_that_are_there(root):
    typed = (Segment(2, 6, 2, 6, "object"),)
    write_records(root / "a.jsonl", [record("a"), record("b", segments=typed)])
    out = root / "new" / "b.jsonl"
    assert main(["data", "diff", str(root / "a.jsonl"), "--out", str(out)]) == 0
    assert [one.responses[1].segments for one in read_records(out)] == [(Segment(2, 6, 2, 6),), typed]
    assert main(["data", "diff", str(root / "a.jsonl"), "--out", str(out), "--replace"]) == 0
    assert [one.responses[1].segments for one in read_records(out)] == [(Segment(2, 6, 2, 6),)] * 2


def test_export_says_what_is_lost(root, capsys):
    write_records(root / "a.jsonl", [record("a", segments=(Segment(2, 6, 2, 6, "object"),))])
    assert main(["data", "export", str(root / "a.jsonl"), "--format", "rlhfv", "--out", str(root / "b.parquet")]) == 0
    assert "no place for segment types (1)" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["none.jsonl", "a.parquet", "folder", "a.png"])
@pytest.mark.parametrize("verb", ["check", "show"])
def test_a_file_that_is_not_one_is_an_error_with_a_way_out(root, verb, name, capsys):
    (root / "folder").mkdir()
    export_records([record("a")], root, root / "a.parquet", format="rlhfv")
    before = sorted(root.rglob("*"))
    assert main(["data", verb, str(root / name)]) in (2, 3)
    assert "Traceback" not in capsys.readouterr().err
    assert sorted(root.rglob("*")) == before


def test_show_colours_and_columns_when_asked(root, capsys):
    write_records(root / "a.jsonl", [record("a", segments=(Segment(2, 6, 2, 6, "object"),))])
    assert main(["data", "show", str(root / "a.jsonl"), "--color", "always", "--width", "120"]) == 0
    output = capsys.readouterr().out
    assert "A \x1b[1;4;31mcube\x1b[0m." in output
    assert "A \x1b[9;31mball\x1b[0m." in output
    assert output.splitlines()[-1].count("\x1b[0m") == 6  # the legend


def test_browse_writes_a_page_and_counts_what_does_not_open(root, capsys):
    write_records(root / "a.jsonl", [record("a"), record("b", "A cone.", images=("none.png",)), record("c", "No.")])
    out = root / "pages" / "a.html"
    assert main(["data", "browse", str(root / "a.jsonl"), "--out", str(out), "--limit", "2"]) == 0
    assert f"2 of 3 records: {out} (1 image cannot be opened" in capsys.readouterr().out
    assert '"id":"b"' in out.read_text()
    assert '"id":"c"' not in out.read_text()


def test_diff_shows_the_segments_of_two_texts_or_files(root, capsys):
    (root / "a.txt").write_text("一只红球 on a mat")
    assert main(["data", "diff", str(root / "a.txt"), "一只蓝球 on a red mat"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "一只[-红-]{+蓝+}球 on a {+red +}mat",
        '  2:3 "红" -> 2:3 "蓝"',
        '  10:10 "" -> 10:14 "red "',
    ]
    assert main(["data", "diff", "a\x00 dog\x1b", "a cat " + "x" * 5000, "--json"]) == 0
    (first, *_) = json.loads(capsys.readouterr().out)
    assert (first["start"], first["text"][:1]) == (1, "\x00")
    assert main(["data", "diff", "a dog\x1b", "a cat"]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["records.jsonl"], "add --out FILE"),
        (["latin.txt", "b"], "a text in UTF-8"),
        (["a", "b", "--out", "c.jsonl"], "--out beside two texts"),
        (["a", "b", "--replace"], "--replace beside two texts"),
        (["none.jsonl", "--out", "b.jsonl"], "No such file"),
    ],
)
def test_diff_names_what_it_lacks(root, capsys, monkeypatch, words, error):
    monkeypatch.chdir(root)
    write_records(root / "records.jsonl", [record("a")])
    (root / "latin.txt").write_bytes(b"caf\xe9")
    assert main(["data", "diff", *words]) == 2
    assert error in capsys.readouterr().err
