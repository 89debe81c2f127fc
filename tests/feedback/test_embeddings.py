"""Vectors on disk: each text once, by encoder; what a long text or a foreign file does."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import numpy as np
import pytest

from errata.errors import DataError, StorageError
from errata.feedback import CachedEncoder, EmbeddingCache


@dataclass
class Found:
    vectors: np.ndarray
    truncated: list[bool]


class Model:
    """Direction by length of text; remembers what it was asked."""

    def __init__(self, digest="one"):
        self.name, self.digest, self.asked = "model", digest, []

    def encode(self, texts):
        self.asked += texts
        angles = np.array([len(text) / 10 for text in texts])
        vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
        return Found(vectors, [len(text) > 5 for text in texts])


@pytest.fixture
def place(tmp_path):
    return tmp_path / "cache" / "embeddings.sqlite"


def test_cosines_are_those_of_the_vectors(place):
    found = CachedEncoder(Model(), place).similarities(["a", "bbb"], ["cc", "a", "dddd"])
    expected = [[np.cos(abs(one - other) / 10) for other in (2, 1, 4)] for one in (1, 3)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_text_is_encoded_once_for_all_runs_with_one_encoder(place):
    model, again, other = Model(), Model(), Model("two")
    first = CachedEncoder(model, place)
    first.prepare(["a", "bb", "a"])
    once = first.similarities(["a"], ["bb", "a long one"])
    assert (model.asked, first.encoded, first.truncated) == (["a", "bb", "a long one"], 3, 1)
    second = CachedEncoder(again, place)
    np.testing.assert_array_equal(second.similarities(["a"], ["bb", "a long one"]), once)
    assert (again.asked, second.encoded, second.truncated) == ([], 0, 1)
    CachedEncoder(other, place).prepare(["a"])
    assert other.asked == ["a"]


def test_what_was_encoded_before_a_failure_is_kept(place, monkeypatch):
    monkeypatch.setattr("errata.feedback.levels.embeddings.TEXTS_AT_ONCE", 2)

    class Dying(Model):
        def encode(self, texts):
            if len(self.asked) >= 4:
                raise KeyboardInterrupt
            return super().encode(texts)

    with pytest.raises(KeyboardInterrupt):
        CachedEncoder(Dying(), place).prepare("abcdef")
    model = Model()
    CachedEncoder(model, place).prepare("abcdef")
    assert model.asked == ["e", "f"]


def test_vectors_that_are_let_go_come_back_from_the_file(place, monkeypatch):
    monkeypatch.setattr("errata.feedback.levels.embeddings.MOST_AT_HAND", 2)
    model = Model()
    encoder = CachedEncoder(model, place)
    for text in ("a", "bb", "ccc", "dddd"):
        encoder.prepare([text])
    assert encoder.similarities(["a"], ["dddd"])[0, 0] == pytest.approx(np.cos(0.3), abs=1e-6)
    assert len(model.asked) == 4


def test_a_file_that_is_no_cache_is_named(tmp_path, place):
    (tmp_path / "text").write_text("no database " * 200)
    with pytest.raises(StorageError, match="a cache of embeddings"):
        CachedEncoder(Model(), tmp_path / "text").prepare("a")
    CachedEncoder(Model(), place).prepare("a")
    with sqlite3.connect(place) as other:
        other.execute("UPDATE embeddings SET vector = x'00'")
    other.close()
    with pytest.raises(DataError, match="a vector of another form"):
        CachedEncoder(Model(), place).prepare("a")
    assert not place.with_name("other").exists()
    with EmbeddingCache(place.with_name("other")) as cache:
        assert cache.find(["nothing"]) == {}
