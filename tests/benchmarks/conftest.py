"""The official synonym list, stored beside the vectors."""

from __future__ import annotations

from pathlib import Path

import pytest

from errata.text import Vocabulary, load_vocabulary


@pytest.fixture(scope="session")
def official_vocabulary() -> Vocabulary:
    """CHAIR's synonym list, read as the released code reads it."""
    path = Path(__file__).parents[1] / "vectors" / "chair_synonyms.txt"
    return load_vocabulary(path, verbatim=True)
