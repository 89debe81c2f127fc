"""CHAIR: how many of the objects a description names are not in the image (Rohrbach et al. 2018, arXiv 1809.02156).

`mode="official"` reads captions as the released code does; `mode="strict"` reads whole names, plurals and compounds
rightly and does not count negated mentions ("no dogs"). Beside CHAIR stand recall and length, because a model that
says less hallucinates less.

Objects in a caption as the released CHAIR code finds them (Rohrbach et al. 2018, arXiv 1809.02156), bugs included.

Known oddities that official mode keeps: "bus" and "glass" never match (singular `bu`, `glas`), three-word names are
dead, "bow ties" loses its second word, "home plate" swallows two words, every mention counts even when negated, and
after a "seat" was dropped beside a "toilet" the indexes point into the longer list.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from errata.benchmarks.answers import align_answers
from errata.benchmarks.protocol import Mode
from errata.benchmarks.statistics import RESAMPLES, Unit, estimate
from errata.errors import ConfigError, DataError
from errata.records import Answer, BenchmarkResult
from errata.text import (
    Mention,
    Vocabulary,
    Word,
    find_mentions,
    find_official_singular,
    find_treebank_tokens,
    find_words,
    strip_reasoning,
)

_PAIRS = (
    "motor bike, motor cycle, air plane, traffic light, street light, traffic signal, stop light, fire hydrant, "
    "stop sign, parking meter, suit case, sports ball, baseball bat, baseball glove, tennis racket, wine glass, "
    "hot dog, cell phone, mobile phone, teddy bear, hair drier, potted plant, bow tie, laptop computer, "
    "stove top oven, home plate, train track"
).split(", ")
_ANIMALS = "bird cat dog horse sheep cow elephant bear zebra giraffe animal cub".split()


def build_pairs(names: Iterable[str]) -> dict[str, str]:
    """Two neighbouring words -> the one they are read as: compound names as they are, and the released additions."""
    return {
        **{name: name for name in names},
        **{f"{age} {animal}": animal for animal in _ANIMALS for age in ("baby", "adult")},
        **{f"passenger {vehicle}": vehicle for vehicle in ("jet", "train")},
        "bow tie": "tie",
        "toilet seat": "toilet",
        "wine glas": "wine glass",
    }


_MERGED = build_pairs(_PAIRS)


@dataclass(frozen=True, slots=True)
class CaptionWords:
    """What the released `caption_to_words` returns.

    Attributes:
        words: The caption's words, singular, pairs merged.
        mentions: Those that name an object, with their true places in the caption.
        indexes: Per mention the index of its first token, as released (see the top of this module).
    """

    words: tuple[str, ...]
    mentions: tuple[Mention, ...]
    indexes: tuple[int, ...]


class Merged(NamedTuple):
    """A word after merging, the index of its first token, and how many tokens it was made of (1 or 2)."""

    word: str
    first: int
    length: int


def find_caption_words(caption: str, vocabulary: Vocabulary) -> CaptionWords:
    """Tokens -> singular -> merged pairs -> the names of objects among them.

    Args:
        caption: The text.
        vocabulary: Read with `load_vocabulary(path, verbatim=True)`.
    """
    tokens = find_treebank_tokens(caption)
    merged = merge_pairs([find_official_singular(token.text) for token in tokens], _MERGED)
    words = tuple(item.word for item in merged)
    kept = [item for item in merged if not (item.word == "seat" and "toilet" in words)]
    named = [item for item in kept if item.word in vocabulary.synonyms]
    mentions = tuple(
        Mention(tokens[m.first].start, tokens[m.first + m.length - 1].end, m.word, vocabulary.synonyms[m.word])
        for m in named
    )
    positions = [position for position, item in enumerate(kept) if item.word in vocabulary.synonyms]
    return CaptionWords(words, mentions, tuple(merged[position].first for position in positions))


def merge_pairs(words: Sequence[str], pairs: Mapping[str, str]) -> list[Merged]:
    """Merge the pairs among neighbouring words, greedily from the left."""
    merged: list[Merged] = []
    index = 0
    while index < len(words):
        pair = pairs.get(f"{words[index]} {words[index + 1]}") if index + 1 < len(words) else None
        merged.append(Merged(words[index] if pair is None else pair, index, 1 if pair is None else 2))
        index += merged[-1].length
    return merged


Span = tuple[int, int]
Widen = Callable[[str, Span], Span]
"""(text, span of a hallucinated mention) -> the span of all that was made up with it."""

UNITS = {
    "chair_s": Unit("share", "lower"),
    "chair_i": Unit("share", "lower"),
    "recall": Unit("share", "higher"),
    "words": Unit("words", "neither"),
    "words_truthful": Unit("words", "higher"),
}


def score_chair(
    answers: Sequence[Answer],
    truth: Mapping[str, Collection[str]],
    *,
    vocabulary: Vocabulary,
    mode: Mode = "strict",
    images: Mapping[str, str] | None = None,
    widen: Widen | re.Pattern[str] | None = None,
    model: str = "",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> BenchmarkResult:
    """Score descriptions.

    Metrics: `chair_s` (share of answers with a hallucinated mention), `chair_i` (share of mentions), `recall` (share of
    the objects in the images that are named), `words` (per answer) and `words_truthful` (per answer, outside
    hallucinated mentions).

    Args:
        answers: One per id of `truth`, in any order.
        truth: Id -> the objects in its image, by any name the vocabulary knows.
        vocabulary: Which words name which object; for official mode the released list, read verbatim.
        mode: Whose reading of the text.
        images: Id -> image, the unit of the bootstrap; without it every id is an image of its own.
        widen: How far a made-up mention reaches: a function, or a pattern of phrases of which those that touch the
            mention are taken whole. Without it a mention is its name alone.
        model: Name for the result.
        resamples: Bootstrap samples.
        seed: Of the bootstrap.

    Raises:
        DataError: Missing, unknown or repeated ids; a true object that the vocabulary does not know.
        ConfigError: A mode that does not exist.
    """
    _check_mode(mode)
    widen = _widen_to_phrase(widen) if isinstance(widen, re.Pattern) else widen
    joined = align_answers(truth, answers, where="chair")
    items = []
    for key, answer in joined.items():
        objects = {vocabulary.find_object(name) for name in truth[key]}
        image = _image_of(key, images)
        text = strip_reasoning(answer.text)
        items.append({"id": key, "image": image, **count_description(text, objects, vocabulary, mode, widen)})
    settings = {"vocabulary": vocabulary.name, "widened": widen is not None, "resamples": resamples, "seed": seed}
    metrics = estimate(items, UNITS, resamples=resamples, seed=seed)
    return BenchmarkResult("chair", mode, model or next((a.model for a in answers), ""), metrics, items, settings)


def build_truth(
    objects: Mapping[str, Collection[str]],
    captions: Mapping[str, Iterable[str]],
    vocabulary: Vocabulary,
    mode: Mode = "strict",
) -> dict[str, set[str]]:
    """CHAIR's ground truth: annotated objects and those that people's captions of the image name.

    Args:
        objects: Image -> annotated objects. Every image is a key.
        captions: Image -> reference captions; images may be absent.
        vocabulary: As for `score_chair`.
        mode: As for `score_chair`.
    """
    _check_mode(mode)
    truth = {}
    for image, names in objects.items():
        said = [mention for caption in captions.get(image, ()) for mention in find_objects(caption, vocabulary, mode)]
        truth[image] = {vocabulary.find_object(name) for name in names} | {m.object for m in said if not m.negated}
    return truth


def find_objects(text: str, vocabulary: Vocabulary, mode: Mode) -> Sequence[Mention]:
    """The mentions of `text` as `mode` reads it."""
    return find_caption_words(text, vocabulary).mentions if mode == "official" else find_mentions(text, vocabulary)


def count_description(
    text: str, truth: set[str], vocabulary: Vocabulary, mode: Mode, widen: Widen | None = None
) -> dict[str, Any]:
    """What of an item one description decides: its mentions, the objects it leaves out, and the counts."""
    mentions = [_mark(mention, truth) for mention in find_objects(text, vocabulary, mode)]
    claims = [mention for mention in mentions if not mention["negated"]]
    wrong = [mention for mention in claims if mention["hallucinated"]]
    named = {mention["object"] for mention in claims}
    spans = [(mention["start"], mention["end"]) for mention in wrong]
    made_up = [widen(text, span) for span in spans] if widen else spans
    words = find_words(text)
    counts = {
        "chair_s": [int(bool(wrong)), 1],
        "chair_i": [len(wrong), len(claims)],
        "recall": [len(named & truth), len(truth)],
        "words": [len(words), 1],
        "words_truthful": [len(words) - _count_touching(words, made_up), 1],
    }
    return {"text": text, "mentions": mentions, "missing": sorted(truth - named), "counts": counts}


def _count_touching(words: Sequence[Word], spans: Iterable[Span]) -> int:
    """How many of the words have a character inside one of the spans."""
    starts, ends = [word.start for word in words], [word.end for word in words]
    return len({i for start, end in spans for i in range(bisect_right(ends, start), bisect_left(starts, end))})


def _mark(mention: Mention, truth: set[str]) -> dict[str, Any]:
    return {
        "start": mention.start,
        "end": mention.end,
        "word": mention.word,
        "object": mention.object,
        "negated": mention.negated,
        "hallucinated": not mention.negated and mention.object not in truth,
    }


def _widen_to_phrase(pattern: re.Pattern[str]) -> Widen:
    def widen(text: str, span: Span) -> Span:
        touching = [m.span() for m in pattern.finditer(text) if m.start() < span[1] and span[0] < m.end()]
        return min([span[0], *(s for s, _ in touching)]), max([span[1], *(e for _, e in touching)])

    return widen


def _image_of(key: str, images: Mapping[str, str] | None) -> str:
    if images is None:
        return key
    if key not in images:
        raise DataError("chair", expected="an image for every id", found=f"none for {key!r}", fix="add it to images")
    return images[key]


def _check_mode(mode: str) -> None:
    if mode not in ("official", "strict"):
        raise ConfigError("mode", expected="official or strict", found=f"{mode!r}", fix="choose one of them")
