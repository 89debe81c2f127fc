"""`errata feedback check` from arguments to files, printed lines and exit codes."""

from __future__ import annotations

import json
import sys

import pytest

from errata.cli.main import main
from errata.corrections import diff_segments
from errata.errors import DONE, INCOMPLETE, USAGE
from errata.records import Record, Response, Turn, read_records, write_records
from shaped import draw_noise
from tiny_encoders import save_bert, save_clip

TEXTS = ["A red cup and a dog.", "A cow.", "A dog.", "A red cup and a brown dog."]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ERRATA_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def records(tmp_path):
    def build(name, texts):
        responses = tuple(
            Response((Turn("assistant", text),), level, diff_segments(text, texts[0]))
            for level, text in enumerate(texts)
        )
        return Record(name, ("a.png",), (Turn("user", "What is there?"),), responses)

    file = tmp_path / "in" / "records.jsonl"
    file.parent.mkdir()
    draw_noise(0).save(file.parent / "a.png")
    write_records(file, [build("one", TEXTS), build("two", [TEXTS[0], TEXTS[3], TEXTS[1]])])
    return file


def check(*words):
    return main(["feedback", "check", *map(str, words)])


def test_it_writes_records_and_says_what_changed(records, tmp_path, capsys):
    assert check(records.parent, "--out", tmp_path / "out") == DONE
    told = capsys.readouterr()
    assert "1 of 2 sets re-ordered, 3 of 4 pairs of answers swapped" in told.out
    assert "Kendall's tau with the given order 0.000" in told.out
    assert "1, was 3 (acc 0.250" in told.out
    assert "lexical stands in for a text encoder" in told.err
    assert [one.text for one in read_records(tmp_path / "out" / "records.jsonl")[0].responses] == [
        TEXTS[0], TEXTS[3], TEXTS[2], TEXTS[1],
    ]  # fmt: skip
    summary = json.loads((tmp_path / "out" / "feedback.json").read_text())
    assert summary["settings"]["encoder_is_a_stand_in"] is True
    assert summary["report"]["sets_reordered"] == 1
    assert main(["data", "check", str(tmp_path / "out" / "records.jsonl")]) == DONE


def test_answers_go_for_their_length_with_what_was_found(records, tmp_path, capsys):
    assert check(records.parent, "--max-length-factor", 1.5, "--out", tmp_path / "out") == DONE
    (one, two) = read_records(tmp_path / "out" / "records.jsonl")
    assert [response.text for response in one.responses] == [TEXTS[0], TEXTS[3]]
    assert one.meta["auto_check"]["former"] == [0, 3]
    assert len(one.meta["auto_check"]["acc"]) == len(two.meta["auto_check"]["acc"]) == 2
    report = json.loads((tmp_path / "out" / "feedback.json").read_text())["report"]
    assert report["style_guard"]["dropped"] == {"length too far from the best answer's": 3}
    capsys.readouterr()


@pytest.mark.parametrize("save", [save_clip, save_bert])
def test_a_model_encodes_each_text_once_for_all_runs(records, tmp_path, save, capsys):
    folder = save(tmp_path / "encoder")
    reports = []
    for out in ("first", "second"):
        words = ["--encoder", folder, "--device", "cpu", "--threshold", "0.5", "--out", tmp_path / out]
        assert check(records, *words) == DONE
        reports.append(json.loads((tmp_path / out / "feedback.json").read_text()))
    assert "stands in" not in capsys.readouterr().err
    first, second = (report["report"].pop("texts_encoded") for report in reports)
    assert first > 0
    assert second == 0
    assert reports[0] == reports[1]
    assert (tmp_path / "cache" / "embeddings.sqlite").is_file()
    assert reports[0]["settings"]["encoder_is_a_stand_in"] is False
    rows = [(tmp_path / out / "records.jsonl").read_bytes() for out in ("first", "second")]
    assert rows[0] == rows[1]


def test_texts_that_are_cut_are_counted(records, tmp_path, capsys):
    folder = save_clip(tmp_path / "encoder", max_tokens=12)
    words = ["--encoder", folder, "--device", "cpu", "--cache", tmp_path / "own.sqlite", "--out", tmp_path / "out"]
    assert check(records, *words) == DONE
    assert json.loads((tmp_path / "out" / "feedback.json").read_text())["report"]["texts_cut"] > 0
    assert "longer than the encoder reads and were cut" in capsys.readouterr().out
    assert (tmp_path / "own.sqlite").is_file()


def test_rows_that_cannot_be_read_stop_it_or_are_counted(records, tmp_path, capsys):
    with records.open("a") as file:
        file.write("no json\n")
    assert check(records, "--out", tmp_path / "out") == USAGE
    assert "--skip-bad" in capsys.readouterr().err
    assert check(records, "--skip-bad", "--out", tmp_path / "out") == INCOMPLETE
    counts = json.loads((tmp_path / "out" / "feedback.json").read_text())["counts"]
    assert [row["count"] for row in counts] == [3, 2, 1]
    assert "records.jsonl:3" in (tmp_path / "out" / "bad.jsonl").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--chunker", "spacy:en_core_web_sm"], "errata[spacy]"),
        (["--encoder", "nowhere/at/all"], "no such folder"),
        (["--threshold", "2"], "from -1 to below 1"),
    ],
)
def test_bad_settings_are_named(records, tmp_path, capsys, monkeypatch, words, told):
    monkeypatch.setitem(sys.modules, "spacy", None)
    assert check(records, *words, "--out", tmp_path / "out") == USAGE
    assert told in capsys.readouterr().err
