"""`perf/generate.py` runs, and its methods give the same answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

PERF = Path(__file__).parents[2] / "perf"


@pytest.mark.slow
def test_a_quick_run_gives_every_figure(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(PERF))
    import generate

    monkeypatch.setattr(sys, "argv", ["generate.py", "--quick", "--json"])
    code, (out, err) = generate.main(), capsys.readouterr()
    assert code == 0, err
    lines = {line["name"]: line["value"] for line in json.loads(out)}
    assert len(lines) == 7
    assert lines["batches of 16, against one by one"] > 1
    assert lines["batches of 16, against transformers.pipeline"] > 1
    assert 0 < lines["1 server, 16 at a time each: concurrency kept"] <= 1
