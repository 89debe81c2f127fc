"""`perf/start.py` runs, gives every figure, and what it measures is small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PERF = Path(__file__).parents[2] / "perf"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc"),
]


def test_a_quick_run_gives_every_figure_and_holds_the_memory():
    command = [sys.executable, str(PERF / "start.py"), "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    bare, *lines = json.loads(done.stdout)
    assert [line["name"].split()[0] for line in lines] == ["--help", "imports", "score", "compare", "data"]
    assert bare["ratio"] == 1
    for line in lines:
        assert line["seconds"] > 0
        assert line["mb"] < 150
