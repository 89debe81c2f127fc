"""`perf/feedback.py` runs, and its two ways of labelling give the same probabilities."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

PERF = Path(__file__).parents[2] / "perf"


@pytest.mark.slow
def test_a_quick_run_gives_every_figure(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(PERF))
    import feedback

    monkeypatch.setattr(sys, "argv", ["feedback.py", "--quick", "--json"])
    code, (out, err) = feedback.main(), capsys.readouterr()
    assert code == 0, err
    labels, *kept = json.loads(out)
    assert labels["value"] > 1
    assert len(kept) == 2
    assert all(0 < line["value"] <= 1 for line in kept)
