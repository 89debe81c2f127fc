"""Which words of an extracted name are nouns: the pinned spaCy model where it is installed, else our own rules."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import lru_cache
from importlib import metadata
from typing import Literal

from errata.benchmarks.object_words import Tagger, Token
from errata.errors import ConfigError
from errata.text import find_singular, find_words

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
