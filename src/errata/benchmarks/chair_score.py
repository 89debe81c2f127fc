"""CHAIR: how many of the objects a description names are not in the image (Rohrbach et al. 2018, arXiv 1809.02156).

`mode="official"` reads captions as the released code does; `mode="strict"` reads whole names, plurals and compounds
rightly and does not count negated mentions ("no dogs"). Beside CHAIR stand recall and length, because a model that
says less hallucinates less.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from errata.benchmarks.alignment import align_answers
from errata.benchmarks.chair_words import find_caption_words
from errata.benchmarks.protocol import Mode
from errata.benchmarks.statistics import RESAMPLES, Unit, estimate
from errata.errors import ConfigError, DataError
from errata.records import Answer, BenchmarkResult
from errata.text import Mention, Vocabulary, Word, find_mentions, find_words, strip_reasoning

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
