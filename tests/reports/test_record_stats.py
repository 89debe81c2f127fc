"""Counts of records, their table and their page."""

from __future__ import annotations

import json

import pytest

from errata.data.shaping import collect_stats
from errata.records import Response, Segment, Turn
from errata.reports import render_stats_page, render_stats_table
from shaped import build

RECORDS = [
    build("a", ["x.png"], source="photos", license="CC0"),
    build("b", ["x.png"], levels=(0, 0, 1, 2), source="photos"),
    build(
        "c",
        responses=(
            Response((Turn("assistant", "One two three four."),), 0, model="big"),
            Response(
                (Turn("assistant", "One two."),), 1, (Segment(7, 7, 7, 18), Segment(0, 3, 0, 3, "number")), "small"
            ),
        ),
        source="<script>alert(1)</script>\x1b[31m",
    ),
]


def test_what_is_counted():
    stats = collect_stats(RECORDS)
    assert stats["totals"] == {"records": 3, "images": 1, "responses": 8, "segments": 5, "pairs": 7}
    counts = stats["counts"]
    assert counts["segment type"] == {"object": 3, "number": 1, "untyped": 1}
    assert counts["source"] == {"photos": 2, "<script>alert(1)</script>\x1b[31m": 1}
    assert counts["license"] == {"not named": 2, "CC0": 1}
    assert counts["levels per record"] == {"2": 2, "3": 1}
    assert counts["responses per record"] == {"2": 2, "4": 1}
    assert counts["model"] == {"not named": 6, "big": 1, "small": 1}
    worse = stats["numbers"]["words of worse responses"]
    assert (worse["count"], worse["mean"], worse["least"], worse["median"], worse["most"]) == (4, 2.75, 2, 3, 3)
    assert worse["values"] == [[2, 1], [3, 3]]
    assert stats["numbers"]["words more in the best response"]["values"] == [[0, 3], [2, 1]]
    assert stats["numbers"]["edit ratio"]["most"] == pytest.approx(17 / 27, abs=1e-3)
    assert json.loads(json.dumps(stats)) == stats


def test_the_table_has_them_and_no_control_characters():
    table = render_stats_table(collect_stats(RECORDS))
    assert table.startswith("records 3  images 1  responses 8  segments 5  pairs 7\n")
    assert "  photos                                     2   66.7 %" in table
    assert "\x1b" not in table
    assert max(map(len, table.splitlines())) <= 100


def test_many_values_are_summed_up():
    table = render_stats_table(collect_stats(build(f"{i}", source=f"source {i:02}") for i in range(30)))
    assert "18 others" in table
    assert "source 12" not in table


def test_the_page_stands_alone_and_shows_what_there_is(tmp_path):
    page = render_stats_page(collect_stats(RECORDS), tmp_path, title="A & B")
    text = page.read_text(encoding="utf-8")
    assert "A &amp; B" in text
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert text.count("data:image/png") == 2 * 4
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == sorted(
        f"{name}{shade}.png" for name in ("types", "lengths", "edits", "sources") for shade in ("", "-dark")
    )


def test_nothing_is_drawn_of_nothing(tmp_path):
    stats = collect_stats([])
    assert render_stats_table(stats).startswith("records 0")
    assert "<figure" not in render_stats_page(stats, tmp_path, title="Nothing").read_text(encoding="utf-8")
    best_only = collect_stats([build("a", levels=(0,))])
    assert "<figure" in render_stats_page(best_only, tmp_path, title="Best").read_text(encoding="utf-8")
