"""Vectors of texts on disk, so that no text is encoded twice, and an encoder that takes them from there.

A stand-in for a text encoder that works offline: words and pairs of neighbouring words in common.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from errata.errors import DataError
from errata.judges import SqliteFile, Table
from errata.text import find_singular, find_words

CACHE_FORMAT = 1
TEXTS_AT_ONCE = 512
"""Texts that are encoded before they are kept: what a kill costs at most."""
MOST_AT_HAND = 20_000
"""Vectors held in memory before they are let go; the file has them all."""
_COLUMNS = ("key", "vector", "truncated")
_CREATE = """
CREATE TABLE IF NOT EXISTS embeddings (key TEXT PRIMARY KEY, vector BLOB NOT NULL, truncated INTEGER NOT NULL)
WITHOUT ROWID"""
_TABLE = Table("a cache of embeddings", CACHE_FORMAT, "embeddings", _COLUMNS, _CREATE, DataError)

Embedding = tuple[NDArray[np.float32], bool]
"""A unit vector, and whether the text was cut."""


class EmbeddingCache(SqliteFile):
    """The file, open while it is entered; vectors as little-endian float32, keyed by encoder and text.

    Raises:
        StorageError: It cannot be read or written.
        DataError: It is something else, or of a later version.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, _TABLE)

    def find(self, keys: Sequence[str]) -> dict[str, Embedding]:
        """Those that are known, by key."""
        return {key: (self._read(vector), bool(cut)) for key, vector, cut in self._find_rows(keys)}

    def put(self, embeddings: Mapping[str, Embedding]) -> None:
        """Keep them, all or none."""
        self._put_rows([(key, vector.astype("<f4").tobytes(), int(cut)) for key, (vector, cut) in embeddings.items()])

    def _read(self, vector: object) -> NDArray[np.float32]:
        if not isinstance(vector, bytes) or not vector or len(vector) % 4:
            raise self._refuse("a vector of another form")
        return np.frombuffer(vector, dtype="<f4").astype(np.float32)


class Vectors(Protocol):
    """What a model gives for texts: `errata.models.TextVectors`."""

    @property
    def vectors(self) -> NDArray[np.float32]:
        """`[texts, width]`, of length 1."""

    @property
    def truncated(self) -> list[bool]:
        """Whether each was cut."""


class Model(Protocol):
    """What is asked of a model: `errata.models.TextEncoder`."""

    @property
    def name(self) -> str:
        """As it was asked for."""

    @property
    def digest(self) -> str:
        """Of everything that its vectors depend on."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The vectors of texts."""


class CachedEncoder:
    """A model's cosines, each text encoded once for all runs that share a cache file.

    Args:
        model: The encoder.
        cache: The file.

    Attributes:
        encoded: Texts that the model was asked for.
    """

    stand_in = False

    def __init__(self, model: Model, cache: str | Path) -> None:
        self._model, self._cache = model, EmbeddingCache(cache)
        self.name, self.encoded = model.name, 0
        self._known: dict[str, Embedding] = {}
        self._cut: set[str] = set()

    @property
    def truncated(self) -> int:
        """Different texts that were too long for the model and were cut, those from the cache included."""
        return len(self._cut)

    def prepare(self, texts: Iterable[str]) -> None:
        """Encode what is neither at hand nor in the cache."""
        if len(self._known) > MOST_AT_HAND:
            self._known.clear()
        missing = {self._key(text): text for text in texts if text not in self._known}
        if not missing:
            return
        with self._cache as cache:
            for key, embedding in cache.find(list(missing)).items():
                self._keep(missing.pop(key), embedding)
            left = list(missing.values())
            for start in range(0, len(left), TEXTS_AT_ONCE):
                self._encode(cache, left[start : start + TEXTS_AT_ONCE])

    def similarities(self, texts: Sequence[str], others: Sequence[str]) -> NDArray[np.float64]:
        """`[texts, others]` cosines."""
        self.prepare([*texts, *others])
        left, right = ([self._known[text][0] for text in some] for some in (texts, others))
        if not left or not right:
            return np.zeros((len(left), len(right)))
        cosines: NDArray[np.float64] = np.stack(left).astype(np.float64) @ np.stack(right).astype(np.float64).T
        return cosines.clip(-1, 1)

    def _encode(self, cache: EmbeddingCache, texts: list[str]) -> None:
        found = self._model.encode(texts)
        fresh = dict(zip(texts, zip(found.vectors, found.truncated, strict=True), strict=True))
        cache.put({self._key(text): embedding for text, embedding in fresh.items()})
        self.encoded += len(texts)
        for text, embedding in fresh.items():
            self._keep(text, embedding)

    def _keep(self, text: str, embedding: Embedding) -> None:
        self._known[text] = embedding
        if embedding[1]:
            self._cut.add(text)

    def _key(self, text: str) -> str:
        return hashlib.sha256(f"{self._model.digest}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()


_PASSED_OVER = frozenset("a an the is are was were be been being there it its this that these those of and".split())


class LexicalEncoder:
    """The cosine of word counts. It knows no synonyms: "a bike" and "a bicycle" have nothing in common.

    A text counts its words, lower-cased and singular, and its pairs of neighbouring words, so that "a red cup and a
    blue box" differs from "a blue cup and a red box". Articles and the like are passed over, unless there is nothing
    else.
    """

    name = "lexical"
    stand_in = True
    truncated = 0

    def prepare(self, texts: Iterable[str]) -> None:
        """Nothing has to be computed ahead."""

    def similarities(self, texts: Sequence[str], others: Sequence[str]) -> NDArray[np.float64]:
        """`[texts, others]` cosines."""
        return np.array([[_cosine(text, other) for other in others] for text in texts]).reshape(len(texts), len(others))


def _cosine(text: str, other: str) -> float:
    (counts, length), (other_counts, other_length) = _count(text), _count(other)
    shared = sum(count * other_counts[feature] for feature, count in counts.items())
    return min(1.0, shared / math.sqrt(length * other_length)) if shared else 0.0


@lru_cache(maxsize=65536)
def _count(text: str) -> tuple[Counter[tuple[str, ...]], int]:
    """The features of a text, and the sum of their squares."""
    every = [find_singular(word.text) for word in find_words(text)]
    words = [word for word in every if word not in _PASSED_OVER] or every
    features: Counter[tuple[str, ...]] = Counter((word,) for word in words)
    features.update(pairwise(words))
    return features, sum(count * count for count in features.values())
