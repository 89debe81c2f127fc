"""`perf/data.py` runs, gives every figure, and its demands are the stated ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PERF = Path(__file__).parents[2] / "perf"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")


def run(*arguments: str, **environment: str) -> dict[str, dict]:
    command = [sys.executable, str(PERF / "data.py"), "--quick", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    return {line["name"]: line for line in json.loads(done.stdout)}


@pytest.mark.slow
def test_a_quick_run_gives_the_figures_of_an_import_and_a_check():
    memory, datasets, streaming, check = run("--only", "import,check").values()
    assert [line["target"] for line in (memory, datasets, streaming, check)] == ["< 600 MB", ">= 25 %", "", "< 20 s"]
    assert 50 < memory["values"]["mb"] < 600
    for line in (memory, datasets, streaming, check):
        assert line["values"]["rows"] == 200
        assert line["values"]["seconds"] > 0


def test_a_page_that_no_browser_opens_is_no_demand_that_was_met():
    (line,) = run("--only", "browse", CHROMIUM="no-such-browser").values()
    assert (line["found"], line["met"]) == ("not measured: no Chromium", False)


@pytest.mark.skipif(shutil.which(os.environ.get("CHROMIUM", "chromium")) is None, reason="needs Chromium")
@pytest.mark.slow
def test_a_page_is_opened_and_says_when_it_was_there():
    (line,) = run("--only", "browse").values()
    assert line["target"] == "< 3 s"
    assert 0 < line["values"]["arrived_s"] < 60


def test_memory_is_the_process_s_own(monkeypatch):
    """A process that was started by a large one must not report the large one's peak."""
    monkeypatch.syspath_prepend(str(PERF))
    from data import run as measure

    held = bytearray(b"x" * (400 << 20))
    assert measure("nothing", "count = 1")["mb"] < 100
    assert len(held) == 400 << 20
