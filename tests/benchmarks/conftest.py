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


@pytest.fixture(autouse=True)
def empty_cache(tmp_path_factory, monkeypatch) -> None:
    """What a user has fetched has no part in a test."""
    monkeypatch.setenv("ERRATA_CACHE", str(tmp_path_factory.mktemp("cache")))
