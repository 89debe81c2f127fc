"""`perf/feedback.py` runs, and its two ways of labelling give the same probabilities."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "perf" / "feedback.py"


def test_a_quick_run_gives_every_figure():
    done = subprocess.run([sys.executable, SCRIPT, "--quick", "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    labels, *kept = json.loads(done.stdout)
    assert labels["value"] > 1
    assert len(kept) == 2
    assert all(0 < line["value"] <= 1 for line in kept)
