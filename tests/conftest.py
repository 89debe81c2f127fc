"""Shared fixtures: recorded vectors, and data that stands beside some checkouts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

# Models of tests are tiny: threads that wait for one another on a busy core cost more than they save. Set before torch
# is imported, and inherited by the commands that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

VECTORS = Path(__file__).parent / "vectors"
SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def vectors():
    """Load a file of inputs and outputs recorded from released reference code."""

    def load(name: str) -> Any:
        return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))

    return load


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Official benchmark files and annotated photos, which the project does not redistribute."""
    if not SHARED.is_dir():
        pytest.skip("needs the data folder beside the checkout")
    return SHARED / "data"
