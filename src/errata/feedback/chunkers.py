"""Who finds the noun chunks of a response: our own rules, or a spaCy model where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

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
