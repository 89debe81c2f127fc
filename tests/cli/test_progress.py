"""Progress where nobody watches: lines at intervals, with an estimate; and bars on a terminal."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from errata.cli import progress
from errata.cli.progress import Bars, Lines, show_progress, show_seconds


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when a test says so."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def describe(lines: Lines) -> str:
    try:
        return lines._describe()
    finally:
        lines.close()


def test_a_line_says_how_much_is_done_and_how_long_the_rest_takes(clock):
    lines = Lines(1e6)
    lines.update("reference", 0, 400)
    clock[0] += 60
    lines.update("reference", 100, 400)
    assert describe(lines) == "reference: 100 of 400, about 3 min left"


def test_an_estimate_counts_from_where_the_stage_went_on(clock):
    lines = Lines(1e6)
    lines.update("training", 300, 400)
    clock[0] += 50
    lines.update("training", 350, 400)
    assert describe(lines) == "training: 350 of 400, about 50 s left"


def test_a_stage_that_has_told_nothing_yet_says_for_how_long(clock):
    lines = Lines(1e6)
    lines.update("loading the model", 0, 1)
    clock[0] += 40
    assert describe(lines) == "loading the model: 0 of 1, for 40 s"


def test_before_the_first_and_after_the_last_stage_a_run_lives_too(clock):
    first, last = Lines(1e6), Lines(1e6)
    last.update("rows", 3, 3)
    clock[0] += 45
    assert describe(first) == "working for 45 s"
    assert describe(last) == "working on what follows rows, 45 s in all"


def test_lines_come_by_themselves_and_only_now_and_then(capsys):
    lines = Lines(0.1)
    lines.update("reference", 1, 50)
    began, told = time.monotonic(), []
    while len(told) < 3 and time.monotonic() < began + 60:
        time.sleep(0.01)
        told += capsys.readouterr().err.splitlines()
    lines.close()
    assert 3 <= len(told) <= (time.monotonic() - began) / 0.1
    assert all(line.startswith("reference: 1 of 50, for ") for line in told)


def test_a_stage_that_is_done_is_told_once_and_one_that_begins_again_anew(capsys):
    lines = Lines(1e6)
    for done in (0, 1, 2, 2):
        lines.update("evaluation", done, 2)
    for done in (0, 3):
        lines.update("evaluation", done, 3)
    lines.close()
    assert capsys.readouterr().err.splitlines() == ["evaluation: 2 done", "evaluation: 3 done"]


def test_bars_may_begin_again(capsys):
    bars = Bars()
    for done, total in ((0, 2), (2, 2), (0, 2), (1, 3)):
        bars.update("evaluation", done, total)
    bars.close()
    told = capsys.readouterr().err
    assert "2/2" in told
    assert "1/3" in told


def test_nothing_runs_on_when_the_work_is_over(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.05)
    before = set(threading.enumerate())
    with show_progress() as on_progress:
        on_progress("rows", 1, 9)
        assert set(threading.enumerate()) - before
    assert not set(threading.enumerate()) - before
    assert not sys.stderr.isatty()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (180, "3 min"), (7300, "2 h 2 min"), (7199, "2 h 0 min")]
)
def test_times_are_short(seconds, text):
    assert show_seconds(seconds) == text
