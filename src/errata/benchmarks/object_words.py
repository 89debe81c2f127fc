"""Which objects of a vocabulary a list of extracted names means, as Object HalBench's release matches them.

Each name is tagged; neighbouring words that make a compound name win, otherwise runs of nouns. A string counts once per
answer however often it is named, and an unknown run ("tennis player") counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from errata.benchmarks.chair_words import build_pairs, merge_pairs
from errata.text import (
    Vocabulary,
    find_mentions,
    find_treebank_tokens,
    find_wordnet_singular,
    load_coco_vocabulary,
    load_vocabulary,
)

SYNONYMS = "synonyms_refine.txt"
_BESIDE = ("home plate", "train track")
"""Compounds outside the list, which therefore swallow their words."""


class Token(NamedTuple):
    """A word's base form, and whether it was tagged as a noun."""

    lemma: str
    noun: bool


Tagger = Callable[[str], Sequence[Token]]


@dataclass(frozen=True, slots=True)
class ObjectWords:
    """What the release makes of an answer's names.

    Attributes:
        strings: Every string that was looked up, each once, in order.
        named: Those that name an object: (string, object).
        indexes: As released: places in `strings` after a "seat" beside a "toilet" has gone.
    """

    strings: tuple[str, ...]
    named: tuple[tuple[str, str], ...]
    indexes: tuple[int, ...]


def match_names(names: Iterable[str], tag: Tagger, vocabulary: Vocabulary) -> ObjectWords:
    """The released matching, with whoever tags the words.

    Args:
        names: As extracted from one answer.
        tag: Of a name behind an "a".
        vocabulary: The refined list.
    """
    pairs = _list_pairs(vocabulary)
    strings = dict.fromkeys(string for name in names for string in _find_strings(tag(f"a {name}"), pairs))
    kept = _without_seat(list(strings))
    found = [(index, word) for index, word in enumerate(kept) if word in vocabulary.synonyms]
    named = tuple((word, vocabulary.synonyms[word]) for _, word in found)
    return ObjectWords(tuple(strings), named, tuple(index for index, _ in found))


def find_caption_objects(caption: str, vocabulary: Vocabulary) -> set[str]:
    """The objects in a person's caption, for what is true of its image, as released."""
    lemmas = [find_wordnet_singular(token.text) for token in find_treebank_tokens(caption)]
    words = _without_seat([merged.word for merged in merge_pairs(lemmas, _list_pairs(vocabulary))])
    return {vocabulary.synonyms[word] for word in words if word in vocabulary.synonyms}


def find_names(names: Iterable[str], vocabulary: Vocabulary) -> tuple[tuple[str, str], ...]:
    """The strict reading: whole names inside each extracted one ("tennis player" is a player), each word once."""
    mentions = [mention for name in names for mention in find_mentions(f"a {name}", vocabulary)]
    return tuple({m.word: (m.word, m.object) for m in mentions if not m.negated}.values())


@lru_cache(maxsize=4)
def read_names_list(path: Path | None) -> Vocabulary:
    """A list of names, whose entries the release strips; None is our own of COCO's objects."""
    return load_coco_vocabulary() if path is None else load_vocabulary(path)


def _list_pairs(vocabulary: Vocabulary) -> dict[str, str]:
    return build_pairs([*(name for name in vocabulary.synonyms if " " in name), *_BESIDE])


def _find_strings(tokens: Sequence[Token], pairs: dict[str, str]) -> list[str]:
    merged = [one.word for one in merge_pairs([token.lemma for token in tokens], pairs) if one.length == 2]
    if merged:
        return merged
    return [" ".join(token.lemma for token in run) for noun, run in groupby(tokens, lambda t: t.noun) if noun]


def _without_seat(words: list[str]) -> list[str]:
    return [word for word in words if not (word == "seat" and "toilet" in words)]
