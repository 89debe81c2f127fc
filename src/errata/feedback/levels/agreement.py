"""How far a response agrees with the standard answer, by the noun chunks of both (arXiv 2405.11165, section 3.1.3).

Who finds the noun chunks of a response: our own rules, or a spaCy model where it is installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from errata.errors import ConfigError
from errata.text import find_noun_chunks, find_singular


class Passage(NamedTuple):
    """A noun chunk, the noun at its head (lower-cased, singular), and the sentence it stands in."""

    chunk: str
    noun: str
    sentence: str


class Chunker(Protocol):
    """Finds passages; `name` is for the result."""

    @property
    def name(self) -> str:
        """For the settings of a result."""

    def find(self, text: str) -> list[Passage]:
        """The passages of a text, in order."""


class OwnChunker:
    """`errata.text.find_noun_chunks`: no model."""

    name = "own"

    def find(self, text: str) -> list[Passage]:
        """The passages of a text, in order."""
        return [Passage(chunk.text, chunk.noun, chunk.sentence.text) for chunk in find_noun_chunks(text)]


class SpacyChunker:
    """Nouns of a spaCy pipeline with the words below them in its parse.

    What "and" joins to a noun, and marks at the end, do not belong to its chunk; the first word of a compound ("fire"
    of "fire hydrant") has none of its own.
    """

    def __init__(self, pipeline: Any, name: str) -> None:
        self._pipeline, self.name = pipeline, name

    def find(self, text: str) -> list[Passage]:
        """The passages of a text, in order."""
        parsed = self._pipeline(text)
        nouns = [token for token in parsed if token.pos_ in ("NOUN", "PROPN") and token.dep_ != "compound"]
        return [self._read(text, noun) for noun in nouns]

    def _read(self, text: str, noun: Any) -> Passage:
        words = list(_list_words(noun))
        start = min(word.idx for word in words)
        end = max(word.idx + len(word.text) for word in words)
        return Passage(text[start:end], find_singular(str(noun.lemma_).lower()), str(noun.sent.text).strip())


def _list_words(noun: Any) -> Iterator[Any]:
    """The noun and what hangs on it."""
    yield noun
    for child in noun.children:
        if child.dep_ not in ("conj", "cc", "punct", "preconj"):
            yield from child.subtree


def build_chunker(name: str) -> Chunker:
    """The chunker of this name.

    Args:
        name: `own`, or `spacy:MODEL` with an installed pipeline such as en_core_web_sm.

    Raises:
        ConfigError: Another name, or spaCy or the model is not installed.
    """
    kind, _, model = name.partition(":")
    if name == OwnChunker.name:
        return OwnChunker()
    if kind != "spacy" or not model:
        raise ConfigError("--chunker", expected="own or spacy:MODEL", found=repr(name), fix="choose one of them")
    fix = f"install errata[spacy] and {model} (python -m spacy download {model}), or use --chunker own"
    try:
        import spacy

        return SpacyChunker(spacy.load(model), name)
    except ImportError:
        raise ConfigError("--chunker", expected="spaCy", found="it is not installed", fix=fix) from None
    except OSError:
        raise ConfigError("--chunker", expected="a spaCy pipeline", found=f"no {model!r}", fix=fix) from None


Measure = Literal["recall", "precision", "f1"]
MEASURES: tuple[Measure, ...] = get_args(Measure)

# The two lists of the paper's appendix A.1: words for the picture itself, and nouns of nothing that can be seen.
PICTURE_NOUNS = ("photo", "image", "photograph", "picture", "figure", "painting")
ABSTRACT_NOUNS = (
    "harmony", "beauty", "feel", "concentration", "life", "matter", "feature", "effect", "skill", "detail", "emotion",
    "nature", "time", "background", "placement", "perspective", "universality", "attention", "essence", "peace",
    "composition", "element", "foreground", "appreciation", "atmosphere", "artwork", "subject",
)  # fmt: skip


class Encoder(Protocol):
    """Texts -> cosines. `stand_in` marks one that is no text encoder; results say so."""

    @property
    def name(self) -> str:
        """For the settings of a result."""

    @property
    def stand_in(self) -> bool:
        """Whether results must say that no text encoder compared the texts."""

    @property
    def truncated(self) -> int:
        """Texts that were too long and were cut."""

    def prepare(self, texts: Iterable[str]) -> None:
        """Compute ahead, in batches, what `similarities` will need."""

    def similarities(self, texts: Sequence[str], others: Sequence[str]) -> NDArray[np.float64]:
        """`[texts, others]` cosines."""


@dataclass(frozen=True, slots=True)
class AgreementSettings:
    """What the paper states, and what it leaves open.

    Args:
        threshold: τ: a chunk agrees where its best cosine is above it, not where it equals it.
        measure: `recall`, as the paper: the share of the standard's chunks that the response has. What a response adds
            does not count against it. `precision`: the share of the response's chunks that the standard has. `f1`:
            their harmonic mean.
        once: A text that occurs several times among one answer's chunks, or sentences, counts once. The paper's
            formula has one term a chunk, so that by default each occurrence counts.
        dropped_nouns: Chunks with these at their head are left out.
    """

    threshold: float = 0.85
    measure: Measure = "recall"
    once: bool = False
    dropped_nouns: tuple[str, ...] = PICTURE_NOUNS + ABSTRACT_NOUNS

    def __post_init__(self) -> None:
        if not -1 <= self.threshold < 1:
            raise ConfigError("threshold", expected="from -1 to below 1", found=f"{self.threshold}", fix="change it")
        if self.measure not in MEASURES:
            raise ConfigError("measure", expected=", ".join(MEASURES), found=repr(self.measure), fix="choose one")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Shares above the threshold (`acc`) and mean best cosines (`score`), of chunks (local) and sentences (global)."""

    acc_local: float
    score_local: float
    acc_global: float
    score_global: float

    @property
    def acc(self) -> float:
        """What responses are ranked by: the mean of local and global."""
        return (self.acc_local + self.acc_global) / 2

    @property
    def score(self) -> float:
        """What parts equal `acc`: the mean of local and global."""
        return (self.score_local + self.score_global) / 2


def keep_passages(passages: Iterable[Passage], settings: AgreementSettings) -> list[Passage]:
    """The passages whose noun is none of the dropped."""
    dropped = frozenset(settings.dropped_nouns)
    return [passage for passage in passages if passage.noun not in dropped]


def measure_agreement(
    standard: Sequence[Passage], response: Sequence[Passage], encoder: Encoder, settings: AgreementSettings
) -> Agreement:
    """Compare a response with the standard answer: text with text, the image is not used.

    Args:
        standard: At least one passage.
        response: Its passages; without any, it agrees in nothing.
        encoder: Who compares.
        settings: How.
    """
    local = _compare([one.chunk for one in standard], [one.chunk for one in response], encoder, settings)
    whole = _compare([one.sentence for one in standard], [one.sentence for one in response], encoder, settings)
    return Agreement(*local, *whole)


def _compare(
    standard: Sequence[str], response: Sequence[str], encoder: Encoder, settings: AgreementSettings
) -> tuple[float, float]:
    if not response:
        return 0.0, 0.0
    if settings.once:
        standard, response = list(dict.fromkeys(standard)), list(dict.fromkeys(response))
    cosines = encoder.similarities(standard, response)
    recall, precision = _count(cosines, settings.threshold), _count(cosines.T, settings.threshold)
    if settings.measure == "f1":
        acc, score = (_harmonic(one, other) for one, other in zip(recall, precision, strict=True))
        return acc, score
    return recall if settings.measure == "recall" else precision


def _count(cosines: NDArray[np.float64], threshold: float) -> tuple[float, float]:
    """Acc and score of `[M, N]` cosines: `s[m] = max_n S[m,n]`, `p[m] = 1[s[m] > τ]`, `Acc = Σp/M`."""
    best = cosines.max(axis=1)
    return float((best > threshold).mean()), float(best.mean())  # the mean of s is our reading of "score"


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one > 0 and other > 0 else 0.0
