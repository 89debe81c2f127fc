"""`perf/score.py` runs and gives every figure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PERF = Path(__file__).parents[2] / "perf"


def test_a_quick_run_gives_every_figure():
    command = [sys.executable, str(PERF / "score.py"), "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    lines = json.loads(done.stdout)
    assert [line["target"] for line in lines] == [0.5, 0.5, 3.0, 3.0]
    assert all(0 < line["seconds"] < line["target"] for line in lines)
