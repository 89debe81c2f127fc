"""Which objects of a vocabulary a list of extracted names means, as Object HalBench's release matches them.

Each name is tagged; neighbouring words that make a compound name win, otherwise runs of nouns. A string counts once per
answer however often it is named, and an unknown run ("tennis player") counts for nothing.

Which words of an extracted name are nouns: the pinned spaCy model where it is installed, else our own rules.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple

from errata.benchmarks.chair import build_pairs, merge_pairs
from errata.errors import ConfigError
from errata.text import (
    Vocabulary,
    find_mentions,
    find_singular,
    find_treebank_tokens,
    find_wordnet_singular,
    find_words,
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


Nouns = Literal["auto", "spacy", "offline"]
SPACY_MODEL = "en_core_web_trf"
PINNED = ("3.7.2", "3.7.3")
"""RLHF-V and RLAIF-V; a package index holds a stranger's model under this name, with another version."""

_NOUN_TAGS = ("NN", "NNS", "NNP", "NNPS")
_PARTING = frozenset(
    "a an the of on in at by near next to with without and or for from under over above below behind beside between "
    "into onto around inside outside along across against that which who is are his her its their some many several "
    "one two three four five six seven eight nine ten few various multiple other another".split()
)
_ADJECTIVES = frozenset(
    "black white grey gray red blue green yellow orange brown pink purple gold golden silver beige tan dark light "
    "bright large small big little tiny huge tall short long wide narrow old young new modern ancient wooden metal "
    "plastic woolen fresh hot cold clean dirty empty full open closed round square flat soft hard wet dry high low "
    "nice beautiful pretty cute busy clear blurry sunny cloudy same different visible".split()
)
_NOUNS_IN_ED_OR_ING = frozenset(
    "bed seed weed shed sled building ceiling clothing painting railing ring king string wing sling awning wedding "
    "dining parking living swing earring seating".split()
)
_LEMMAS = {"people": "people", "glasses": "glass"}
"""Where the tagger's base form is not our singular."""


def choose_tagger(nouns: Nouns) -> tuple[Tagger, str]:
    """Who tags, and its name for the result. Raises ConfigError where spaCy is asked for and not there as pinned."""
    version = "" if nouns == "offline" else _find_version()
    if version in PINNED:
        return _load_spacy(), f"spacy {SPACY_MODEL} {version}"
    if nouns == "spacy":
        raise ConfigError(
            "object_halbench.nouns",
            expected=f"{SPACY_MODEL} {' or '.join(PINNED)}",
            found=version or "none that is installed",
            fix="install errata[spacy] and the model from its release page (docs/benchmarks.md), or use nouns=offline",
            code="missing-package",
        )
    return tag_offline, "offline"


def tag_offline(text: str) -> list[Token]:
    """Tokens by our own rules: a word is a noun unless it parts phrases or describes the word after it."""
    words = ["", *(word.text for word in find_words(text)), ""]
    return [
        Token(_LEMMAS.get(word) or find_singular(word), _is_noun(word, before, after))
        for before, word, after in zip(words, words[1:], words[2:], strict=False)
    ]


def _is_noun(word: str, before: str, after: str) -> bool:
    """Words in -ed and -ing are nouns only where they stand alone, or are known to be: "parked car", "car parked"."""
    if word in _PARTING or word.isdigit():
        return False
    alone = not (after and after not in _PARTING)
    if word.endswith(("ed", "ing")) and word not in _NOUNS_IN_ED_OR_ING:
        return alone and (not before or before in _PARTING)
    return alone or not (word in _ADJECTIVES or word.endswith(("ful", "ous")))


def _find_version() -> str:
    try:
        metadata.version("spacy")
        return metadata.version(SPACY_MODEL)
    except metadata.PackageNotFoundError:
        return ""


@lru_cache(maxsize=1)
def _load_spacy() -> Tagger:
    model = importlib.import_module("spacy").load(SPACY_MODEL)

    def tag(text: str) -> Sequence[Token]:
        return [Token(str(token.lemma_), token.tag_ in _NOUN_TAGS) for token in model(text)]

    return tag
