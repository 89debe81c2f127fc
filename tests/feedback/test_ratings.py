"""Ratings to levels with ties, and the folder that every method of feedback writes."""

from __future__ import annotations

import json

import pytest

from errata.cli.main import main
from errata.data.shaping import Levelling
from errata.errors import DONE, INCOMPLETE, ConfigError
from errata.feedback import Feedback, Tally, build_rated_levels, write_feedback
from errata.records import Record, Response, Turn, read_records, write_records


def make_record(name: str, ratings: list[object]) -> Record:
    responses = tuple(Response((Turn("assistant", f"answer {i}"),), level=i) for i in range(len(ratings)))
    return Record(name, (), (Turn("user", "What is there?"),), responses, meta={"ratings": ratings})


RECORDS = [
    make_record("three", [2.0, 5.0, 3.5]),
    make_record("tied", [4, 4, 1]),
    make_record("flat", [3, 3]),
    make_record("text", [3, "N/A"]),
]


def test_ties_share_a_level_and_every_prompt_is_accounted_for():
    feedback = build_rated_levels(RECORDS, Levelling(("ratings",)))
    assert {record.id: record.levels for record in feedback.records} == {"three": (0, 1, 2), "tied": (0, 0, 1)}
    assert [response.text for response in feedback.records[0].responses] == ["answer 1", "answer 2", "answer 0"]
    assert dict(feedback.tally.count_rows()) == {
        "prompts": 4,
        "kept": 2,
        "fewer than 2 levels": 1,
        "no number for every response": 1,
    }
    assert feedback.tally.adds_up
    assert feedback.tally.failed == 1


def test_a_set_of_k_levels_needs_k_different_ratings():
    feedback = build_rated_levels(RECORDS, Levelling(("ratings",)), least=3)
    assert [record.id for record in feedback.records] == ["three"]
    with pytest.raises(ConfigError, match="at least 2 levels"):
        build_rated_levels(RECORDS, Levelling(("ratings",)), least=1)


def test_the_verb_writes_records_summary_and_what_was_dropped(tmp_path, capsys):
    write_records(tmp_path / "in" / "records.jsonl", RECORDS)
    out = tmp_path / "out"
    assert main(["feedback", "ratings", str(tmp_path / "in"), "--ratings", "ratings", "--out", str(out)]) == INCOMPLETE
    assert [record.id for record in read_records(out / "records.jsonl")] == ["three", "tied"]
    summary = json.loads((out / "feedback.json").read_text())
    assert summary["method"] == "ratings"
    assert {"what": "prompts", "count": 4} in summary["counts"]
    bad = [json.loads(line) for line in (out / "bad.jsonl").read_text().splitlines()]
    assert [(row["id"], row["failed"]) for row in bad] == [("flat", False), ("text", True)]
    assert "4  prompts" in capsys.readouterr().out

    write_records(tmp_path / "in" / "records.jsonl", RECORDS[:2])
    assert main(["feedback", "ratings", str(tmp_path / "in"), "--ratings", "ratings", "--out", str(out)]) == DONE
    assert not (out / "bad.jsonl").exists()


def test_counts_that_do_not_add_up_are_a_bug_and_write_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="kept or dropped once"):
        write_feedback(tmp_path / "out", Feedback("ratings", [], Tally(1)), tmp_path)
    assert not (tmp_path / "out").exists()
