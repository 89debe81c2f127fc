"""A stand-in for a text encoder that works offline: words and pairs of neighbouring words in common."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from errata.text import find_singular, find_words

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
