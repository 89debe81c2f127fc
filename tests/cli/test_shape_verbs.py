"""`errata data split … stats` from arguments to files, printed lines and exit codes."""

from __future__ import annotations

import json

import pytest

from errata.cli import main
from errata.records import read_records
from shaped import build, write_folder


@pytest.fixture
def folder(tmp_path):
    records = [build(f"r{i}", ["a.png" if i % 2 else "b.png"], (0, 1, 2), source="xy"[i % 2]) for i in range(6)]
    return write_folder(tmp_path / "in", [*records, build("last", ["c.png"], meta={"score": [1, 2]})])


COMMANDS = [
    (["split", "--fractions", "0.5,0.5"], "train: 4 records: {out}/train/records.jsonl"),
    (
        ["split", "--test", "1", "--names", "rest,held", "--look-distance", "4"],
        "held: 1 record: {out}/held/records.jsonl",
    ),
    (["sample", "--count", "2", "--seed", "3"], "2 records: {out}/records.jsonl"),
    (["sample", "--fraction", "0.7", "--by", "image", "--stratify", "source"], "records: {out}/records.jsonl"),
    (["filter", "count(levels) == 3", "--images", "copy"], "6 records: {out}/records.jsonl"),
    (["pairs"], "13 records: {out}/records.jsonl"),
    (["pairs", "--rule", "all_pairs"], "19 records: {out}/records.jsonl"),
    (["dedup"], "4 duplicates of 2 records: {out}/duplicates.jsonl"),
    (["dedup", "--same", "look", "--images", "none"], "3 records: {out}/records.jsonl"),
    (["decontaminate", "--against", "chair"], "0 removed: {out}/removed.jsonl"),
    (["stats"], "page: {out}/stats.html"),
]


@pytest.mark.parametrize(("words", "said"), COMMANDS)
def test_a_verb_writes_and_says_where(folder, tmp_path, capsys, words, said):
    out = tmp_path / "out"
    assert main(["data", words[0], str(folder), *words[1:], "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert said.format(out=out) in printed.out
    assert f"{folder}/records.jsonl: 7 done" in printed.err
    for path in out.rglob("records.jsonl"):
        read_records(path)
    assert list(out.rglob("*.tmp")) == []


def test_merge_and_levels(folder, tmp_path, capsys):
    assert main(["data", "merge", str(folder), str(folder), "--out", str(tmp_path / "out")]) == 0
    assert f"7 records, 7 of them with a new id: {folder}/records.jsonl" in capsys.readouterr().out
    command = ["data", "levels", str(folder), "--ratings", "meta.score", "--out", str(tmp_path / "levels")]
    assert main(command) == 2
    assert "run with --skip-bad to set it aside" in capsys.readouterr().err
    for rule in ([], ["--gap", "0.5"], ["--at-most", "2"], ["--lowest-is-best"]):
        assert main([*command, *rule, "--skip-bad"]) == 3
        (record,) = read_records(tmp_path / "levels" / "records.jsonl")
        best = "A cat sleeps." if rule == ["--lowest-is-best"] else "A dog sleeps."
        assert record.responses[0].text == best
    aside = (tmp_path / "levels" / "bad.jsonl").read_text().splitlines()
    assert len(aside) == 6
    assert json.loads(json.loads(aside[0])["line"])["id"] == "r0"


def test_bad_rows_stop_or_are_set_aside_once(folder, tmp_path, capsys):
    with (folder / "records.jsonl").open("a") as file:
        file.write('{"id": "broken"\n')
        file.write(
            json.dumps({"id": "x", "images": ["gone.png"], "prompt": "?", "responses": [{"level": 0, "text": "a"}]})
        )
    commands = [
        ["split", "--fractions", "0.5,0.5"],
        ["sample", "--count", "2", "--by", "image"],
        ["filter", "true"],
        ["dedup"],
        ["pairs"],
    ]
    for number, words in enumerate(commands):
        out = tmp_path / str(number)
        command = ["data", words[0], str(folder), *words[1:], "--out", str(out)]
        assert main(command) == 2
        assert "records.jsonl:8" in capsys.readouterr().err
        assert list(out.rglob("records.jsonl")) == []
        assert main([*command, "--skip-bad"]) == 3
        aside = [json.loads(line) for line in (out / "bad.jsonl").read_text().splitlines()]
        wheres = [row["where"] for row in aside]
        assert [json.loads(row["line"])["id"] for row in aside[1:]] == ["x"] * len(aside[1:])
        missing = [] if words[0] == "pairs" else [f"{folder}/records.jsonl:9"]  # a record of one level makes no pair
        assert wheres == [f"{folder}/records.jsonl:8", *missing]
    assert main(["data", "stats", str(folder), "--skip-bad"]) == 3
    assert "1 bad record left out" in capsys.readouterr().out


SHAPERS = [*COMMANDS[:1], *COMMANDS[2:3], *COMMANDS[4:6], *COMMANDS[7:8], *COMMANDS[9:]]


@pytest.mark.parametrize("text", ["half\0", "word " * 40_000], ids=["nul", "long"])
@pytest.mark.parametrize("words", [words for words, _ in SHAPERS], ids=lambda words: words[0])
def test_texts_that_nothing_else_reads_are_bad_rows(folder, tmp_path, capsys, words, text):
    row = {"id": "x", "images": [], "prompt": "?", "responses": [{"level": 0, "text": text}]}
    with (folder / "records.jsonl").open("a") as file:
        file.write(json.dumps(row))
    command = ["data", words[0], str(folder), *words[1:], "--out", str(tmp_path / "out")]
    assert main(command) == 2
    assert f"error: {folder}/records.jsonl:8: answer 0: " in capsys.readouterr().err
    assert not list(tmp_path.glob("out/**/records.jsonl"))
    assert main([*command, "--skip-bad"]) == 3


WRONG = [
    ["split", "--fractions", "0.5,0.6"],
    ["split", "--fractions", "0.5,x"],
    ["split", "--fractions", "0.5,0.5", "--names", "a"],
    ["split", "--test", "7"],
    ["sample", "--count", "8"],
    ["filter", "words(best"],
    ["dedup", "--same", "colour"],
    ["levels", "--ratings", "score", "--at-most", "1"],
    ["decontaminate", "--against", "nothing"],
    ["decontaminate", "--against", "pope"],
]


@pytest.mark.parametrize("words", WRONG)
def test_what_is_wrong_is_told_in_a_line_and_nothing_is_written(folder, tmp_path, capsys, words):
    assert main(["data", words[0], str(folder), *words[1:], "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.splitlines()[-1 if words[0] != "filter" else 0].startswith("error: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words", [["split"], ["split", "--test", "2", "--fractions", "1"], ["dedup", "--look-distance", "99"]]
)
def test_usage_is_checked_by_the_parser(folder, tmp_path, words):
    with pytest.raises(SystemExit) as caught:
        main(["data", words[0], str(folder), *words[1:], "--out", str(tmp_path / "out")])
    assert caught.value.code == 2
