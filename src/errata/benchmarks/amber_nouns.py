"""The nouns of a description for AMBER: NLTK and spaCy where they are installed, else our own finder."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from typing import Any, Literal

from errata.benchmarks.amber_score import Similar, WordLists
from errata.benchmarks.protocol import Mode
from errata.errors import ConfigError
from errata.text import Vocabulary, find_mentions

Nouns = Literal["auto", "nltk", "offline"]
SPACY_MODEL = "en_core_web_lg"
THRESHOLD = 0.8
_GUARDED = frozenset("can hot leave light orange sound support sailing lock note line range core pack spray".split())
"""Words of the lists that are often no noun; they count where they stand as one."""


@dataclass(frozen=True, slots=True)
class NounPath:
    """Who finds nouns and compares words: `name` is for the result."""

    name: str
    find: Callable[[str], list[str]]
    similar: Similar


def choose_path(nouns: Nouns, mode: Mode, lists: WordLists) -> NounPath:
    """The path of a mode. Raises ConfigError where NLTK is asked for and it or its data are not there."""
    vocabulary = _build_vocabulary(lists.words)
    if mode == "strict":
        return NounPath("own", lambda text: find_nouns(text, vocabulary, mode), _never)
    tools = None if nouns == "offline" else _load_tools()
    if tools is not None:
        return NounPath(f"nltk, spacy {SPACY_MODEL}", *tools)
    if nouns == "nltk":
        raise ConfigError(
            "amber.nouns",
            expected=f"NLTK with its tagger, punkt and wordnet, and spaCy's {SPACY_MODEL} of version 3",
            found="not all of them",
            fix="install errata[nltk,spacy], NLTK's data and the model (docs/benchmarks.md), or use nouns=offline",
            code="missing-package",
        )
    return NounPath("offline", lambda text: find_nouns(text, vocabulary, mode), _never)


def find_nouns(text: str, vocabulary: Vocabulary, mode: Mode) -> list[str]:
    """Every mention of a listed word, as the list has it.

    The release folds no case, so that in official mode "Dog" is none; it counts what is negated. Strict mode folds
    case and leaves out "no dogs".
    """
    mentions = find_mentions(text, vocabulary)
    if mode == "strict":
        return [mention.object for mention in mentions if not mention.negated]
    said = [(mention.object, text[mention.start : mention.end]) for mention in mentions]
    return [word for word, surface in said if surface in (word, surface.lower())]


def _never(_: str, __: str) -> bool:
    """Without vectors only the released lists say which words mean the same."""
    return False


@lru_cache(maxsize=2)
def _build_vocabulary(words: frozenset[str]) -> Vocabulary:
    return Vocabulary("amber", {word: word for word in sorted(words)}, guarded=_GUARDED & words)


@lru_cache(maxsize=1)
def _load_tools() -> tuple[Callable[[str], list[str]], Similar] | None:
    """The released extraction and comparison; None where a part of it is missing."""
    try:
        if not metadata.version(SPACY_MODEL).startswith("3."):
            return None
        nltk, stem = importlib.import_module("nltk"), importlib.import_module("nltk.stem")
        nlp = importlib.import_module("spacy").load(SPACY_MODEL)
        lemmatize = stem.WordNetLemmatizer().lemmatize
        lemmatize("dogs")
        nltk.pos_tag(nltk.word_tokenize("A dog."))
    except (metadata.PackageNotFoundError, ImportError, LookupError, OSError):
        return None
    vector = lru_cache(maxsize=4096)(nlp)

    def find(text: str) -> list[str]:
        tagged: Sequence[tuple[str, str]] = nltk.pos_tag(nltk.word_tokenize(text))
        return [str(lemmatize(word)) for word, tag in tagged if tag.startswith("NN")]

    def similar(one: str, other: str) -> bool:
        first: Any = vector(one)
        return bool(first.similarity(vector(other)) > THRESHOLD)

    return find, similar
