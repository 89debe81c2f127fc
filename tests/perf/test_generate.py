"""`perf/generate.py` runs, and its methods give the same answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "perf" / "generate.py"


def test_a_quick_run_gives_every_figure():
    done = subprocess.run([sys.executable, SCRIPT, "--quick", "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = {line["name"]: line["value"] for line in json.loads(done.stdout)}
    assert len(lines) == 7
    assert lines["batches of 16, against one by one"] > 1
    assert lines["batches of 16, against transformers.pipeline"] > 1
    assert 0 < lines["1 server, 16 at a time each: concurrency kept"] <= 1
