"""Run folders to report on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from demo_run import write_run


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A full run with a comparison."""
    write_run(tmp_path / "run", compare=True)
    return tmp_path / "run"


@pytest.fixture
def minimal() -> dict[str, Any]:
    """The least a results file may hold: one stage with one metric."""
    metrics = {"chair_s": {"value": 0.4, "low": 0.35, "high": 0.45, "n": 100, "unit": "share", "better": "lower"}}
    return {
        "title": "Base only",
        "stages": [{"name": "base", "label": "Before", "benchmarks": {"chair": {"metrics": metrics}}}],
    }


@pytest.fixture
def write_results(tmp_path: Path) -> Any:
    """Write a results value into a fresh run folder."""

    def write(results: Any) -> Path:
        folder = tmp_path / "other"
        folder.mkdir(exist_ok=True)
        (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
        return folder

    return write
