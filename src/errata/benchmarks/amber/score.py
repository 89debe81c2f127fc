"""What one AMBER answer counts for, by nouns or by yes and no, and the numbers that the release prints.

The nouns of a description for AMBER: NLTK and spaCy where they are installed, else our own finder.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from typing import Any, Literal

from errata.benchmarks.protocol import Item, Mode
from errata.errors import ConfigError
from errata.text import Vocabulary, find_mentions, read_yes_no

Similar = Callable[[str, str], bool]
"""Whether two words mean about the same; the release asks for a similarity above 0.8 of spaCy's vectors."""

_EPSILON = 0.001
"""The release's counters of denominators begin with it, so that nothing is divided by zero."""

_ATTRIBUTES = ("state", "number", "action")
"""The types of which the release adds three counters up for "attribute", each begun at `_EPSILON`."""


@dataclass(frozen=True, slots=True)
class WordLists:
    """The released lists.

    Attributes:
        association: Word -> words that may stand for it.
        safe: Words that are never made up.
    """

    association: Mapping[str, Sequence[str]]
    safe: frozenset[str]

    @property
    def words(self) -> frozenset[str]:
        """The nouns that are looked at; all others are passed over."""
        return frozenset(self.association) | {word for words in self.association.values() for word in words}


def count_nouns(
    nouns: Sequence[str], truth: Sequence[str], hallu: Sequence[str], lists: WordLists, similar: Similar, mode: Mode
) -> Item:
    """Which nouns of a description are made up, and which words of the two lists they hit.

    Args:
        nouns: Every mention, of which those in `lists.words` count.
        truth: What is in the image.
        hallu: What people would imagine in it.
        lists: The released lists.
        similar: In strict mode a noun that is similar to a true word no longer hits an imagined one too.
        mode: Strict mode also takes a word that stands twice in a list for one, finds a true word that is safe, and
            lets a noun that may stand for several words of a list hit all of them; the release stops at the first.
    """
    strict = mode == "strict"
    truth, hallu = (list(dict.fromkeys(words)) if strict else list(words) for words in (truth, hallu))
    kept = [noun for noun in nouns if noun in lists.words]
    covered: set[int] = set()
    imagined: set[int] = set()
    wrong = []
    for noun in kept:
        hits = _find_same(noun, truth, lists, mode)
        if noun in lists.safe:
            covered |= hits if strict else set()
            continue
        if not hits:
            expected = _find_same(noun, hallu, lists, mode) | _find_similar(noun, hallu, lists, similar)
            hits = _find_similar(noun, truth, lists, similar)
            imagined |= set() if strict and hits else expected
            wrong += [] if hits else [noun]
        covered |= hits
    counts = {
        "chair": [len(wrong), len(kept)],
        "cover": [len(covered), len(truth)],
        "hal": [int(bool(wrong)), 1],
        "cog": [len(imagined), len(hallu)],
    }
    return {"nouns": kept, "made_up": wrong, "missing": _leave_out(truth, covered), "counts": counts}


def count_verdict(text: str, truth: str, mode: Mode, question: str = "") -> Item:
    """A yes/no answer against its label. "No" is the positive class; the release takes exactly `Yes` and `No`."""
    said = {"Yes": "yes", "No": "no"}.get(text, "unknown") if mode == "official" else read_yes_no(text, question)
    positive, claimed = truth == "no", said == "no"
    hit = int(positive and claimed)
    counts = {
        "accuracy": [int(said == truth), 1],
        "precision": [hit, int(claimed)],
        "recall": [hit, int(positive)],
        "f1": [2 * hit, int(claimed) + int(positive)],
        "unknown_share": [int(said == "unknown"), 1],
    }
    return {"label": truth, "said": said, "right": said == truth, "counts": counts}


def compute_released(items: Sequence[Item], name: str = "") -> dict[str, float]:
    """The numbers that the release prints, from the same counts: per cent, rounded, with its small constants.

    Args:
        items: Of one part or type.
        name: Of the part or type. The release has another constant in F1 for "existence", and adds up three counters
            for "attribute".
    """
    counters = _ATTRIBUTES if name == "attribute" else ("",)
    found = {
        metric: _share(items, metric, counters)
        for metric in ("chair", "cover", "hal", "cog", "accuracy", "precision", "recall")
    }
    printed = {metric: round(value * 100, 1) for metric, value in found.items() if value is not None}
    if "hal" in printed:
        clean = sum(not item["counts"]["hal"][0] for item in items)
        printed["hal"] = round(100 - clean / _count(items, "hal", counters) * 100, 1)
    if "precision" in printed:
        precision, recall = printed["precision"] / 100, printed["recall"] / 100
        epsilon = 0.001 if name == "existence" else 0.0001
        printed["f1"] = round(2 * precision * recall / (precision + recall + epsilon) * 100, 1)
    return printed


def _share(items: Sequence[Item], metric: str, counters: Sequence[str]) -> float | None:
    if not any(metric in item["counts"] for item in items):
        return None
    return float(sum(_take(item, metric)[0] for item in items) / _count(items, metric, counters))


def _count(items: Sequence[Item], metric: str, counters: Sequence[str]) -> float:
    """The release's denominators: counters of floats, one for each ending of a type, which are then added up."""
    total = 0.0
    for ending in counters:
        counter = _EPSILON
        for item in items:
            if item.get("type", "").endswith(ending):
                counter += _take(item, metric)[1]
        total += counter
    return total


def _take(item: Item, metric: str) -> Sequence[int]:
    counts: Sequence[int] = item["counts"].get(metric, (0, 0))
    return counts


def _find_same(noun: str, words: Sequence[str], lists: WordLists, mode: Mode) -> set[int]:
    """Places of the words that the noun is, or may stand for; in official mode the first, associates before words."""
    candidates = [i for i, word in enumerate(words) if noun in lists.association.get(word, ())]
    candidates += [i for i, word in enumerate(words) if noun == word]
    return set(candidates if mode == "strict" else candidates[:1])


def _find_similar(noun: str, words: Sequence[str], lists: WordLists, similar: Similar) -> set[int]:
    """The place of the first similar word: the words' associates come before the words."""
    candidates = [(i, other) for i, word in enumerate(words) for other in lists.association.get(word, ())]
    found = [i for i, other in [*candidates, *enumerate(words)] if similar(noun, other)]
    return set(found[:1])


def _leave_out(words: Sequence[str], covered: set[int]) -> list[str]:
    return sorted({word for i, word in enumerate(words) if i not in covered})


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
