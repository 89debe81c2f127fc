"""The table for the terminal, and the words it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from demo_run import write_run
from errata.records import BenchmarkResult, Metric
from errata.reports import render_table
from errata.reports.plots.outcome import count_made_up
from errata.reports.results import Difference
from errata.reports.wording import flatten_facts, format_fact, format_moment, format_number, format_relative, verdict


def test_before_after_and_signed_change(tmp_path: Path) -> None:
    lines = render_table(write_run(tmp_path)).splitlines()
    (row,) = [line for line in lines if line.lstrip().startswith("CHAIR_s")]
    expected = "CHAIR_s 41.2 % [36.6, 45.8] 17.2 % [12.6, 21.8] -24.0 [-29.0, -19.0] better"
    assert " ".join(row.split()) == expected
    assert "CHAIR strict, descriptions (n = 400)" in lines
    assert not any(line.startswith("Compared") for line in lines)


def test_columns_stand_under_one_another(tmp_path: Path) -> None:
    text = render_table(write_run(tmp_path, compare=True))
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 120
    head, *rows = text.split("\n\n")[0].splitlines()
    start = head.index("Change")
    assert {row[start - 2 : start] for row in rows if row.startswith("  ")} == {"  "}


def test_every_compared_method_has_a_line(tmp_path: Path) -> None:
    block = render_table(write_run(tmp_path, compare=True)).split("\n\n")[1].splitlines()
    assert block[0].startswith("Compared")
    assert [line.split("  ")[0] for line in block[1:3]] == ["Before", "After DDPO"]
    assert len(block) == 6


def test_one_stage_and_no_value(minimal: dict[str, Any]) -> None:
    minimal["stages"][0]["benchmarks"]["chair"]["metrics"]["chair_s"]["value"] = None
    text = render_table(minimal)
    assert "n/a" in text
    assert "Change" not in text


def test_control_characters_do_not_reach_the_terminal(minimal: dict[str, Any]) -> None:
    minimal["stages"][0]["label"] = "Before\x1b[31m"
    assert "\x1b" not in render_table(minimal)


@pytest.mark.parametrize(
    ("low", "high", "better", "expected"),
    [
        (-0.3, -0.1, "lower", "better"),
        (-0.3, -0.1, "higher", "worse"),
        (0.1, 0.3, "higher", "better"),
        (0.1, 0.3, "lower", "worse"),
        (-0.1, 0.1, "lower", "unclear"),
        (0.0, 0.1, "higher", "unclear"),
        (0.1, 0.3, "neither", "changed"),
        (None, None, "lower", ""),
    ],
)
def test_verdict_follows_the_interval(low: float | None, high: float | None, better: str, expected: str) -> None:
    assert verdict(Difference(0.1, low, high), better) == expected


def test_numbers() -> None:
    assert format_number(0.4119, "share") == "41.2"
    assert format_number(-0.0001, "share", signed=True) == "0.0"
    assert format_number(-0.024, "share", signed=True) == "−2.4"
    assert format_number(1234, "count") == "1,234"
    assert format_relative(Metric(0.4, better="lower"), Metric(0.1, better="lower")) == "75 % fewer"
    assert format_relative(Metric(0.0), Metric(0.1)) == ""
    assert format_relative(Metric(0.9, better="higher"), Metric(0.81, better="higher")) == "90.0 % of before"


def test_facts() -> None:
    assert flatten_facts({"a": {"b": 1e-4, "c": [1, True]}, "d": None}) == [
        ("a.b", "0.0001"),
        ("a.c", "1, yes"),
        ("d", "–"),
    ]
    assert format_fact(float("inf")) == "inf"
    assert format_moment("2026-11-01T09:30:00+00:00") == "2026-11-01 09:30 UTC"
    assert format_moment("yesterday") == "yesterday"


def test_an_object_counts_once_per_description() -> None:
    twice = [
        {"object": "hat", "hallucinated": True},
        {"object": "hat", "hallucinated": True},
        {"object": "cup", "hallucinated": False},
    ]
    items = [{"mentions": twice}, {"mentions": twice[:1]}, {"mentions": None}, {}]
    assert count_made_up(BenchmarkResult("chair", "strict", "", {}, items)) == {"hat": 2}
