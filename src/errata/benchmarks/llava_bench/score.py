"""The pair of scores in a judge's review, and the relative score made of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from errata.benchmarks.protocol import Item, Mode
from errata.benchmarks.statistics import Unit

Lineage = Literal["llava", "rlhf-v", "amp"]
"""Whose release official mode repeats: LLaVA and AMP average failed reviews as -1, RLHF-V leaves them out."""

Review = Sequence[float | None] | None
CATEGORIES = ("conv", "detail", "complex")
FAILED = -1.0
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?![\w])")
_LABELS = re.compile(
    r"\b(?:assistant|answer)[\s_]*[12]\b|(?<=\d)\s*/\s*10\b|\b(?:the )?(?:two )?(?:scores?|ratings?)\b(?: are)?",
    re.IGNORECASE,
)
_LISTED = re.compile(r"^\W*\d+[.)]\s+")
_WORD = re.compile(r"[^\W\d_]+")
_MOST_WORDS = 3
_FENCE = re.compile(r"\s*(?:```|~~~)\w*\s*")

UNITS = {
    **{name: Unit("share", "higher") for name in ("relative", *(f"relative_{one}" for one in CATEGORIES))},
    **{name: Unit("points", "higher") for name in ("candidate", *(f"candidate_{one}" for one in CATEGORIES))},
    **{name: Unit("points") for name in ("reference", *(f"reference_{one}" for one in CATEGORIES))},
    "position": Unit("points"),
    "unreadable": Unit("share", "lower"),
}


def read_scores(review: str, mode: Mode) -> list[float | None]:
    """The scores of reference and candidate.

    Official is the released rule: two pieces between single blanks on the first line, -1 for both otherwise. Strict
    takes the first line that holds two numbers from 1 to 10 and nothing else, be it fenced or behind a preamble; else
    the two on the first line with text, unless it is a sentence.

    Returns:
        Both scores; None for a "nan" or "inf", which the released code takes for a number.

    Raises:
        ValueError: Strict mode, and there are not two such numbers.
    """
    if mode == "official":
        return _read_released(review)
    lines = [_strip_labels(line) for line in review.splitlines() if line.strip() and not _FENCE.fullmatch(line)]
    alone = next((line for line in lines if len(_NUMBER.findall(line)) == 2 and not _find_words(line)), None)
    said = _NUMBER.findall(alone if alone is not None else _take_first(lines))
    scores = [float(number) for number in said]
    if len(scores) != 2 or not all(1 <= score <= 10 for score in scores):
        raise ValueError(f"not two scores from 1 to 10 in {(alone or ''.join(lines[:1]))[:60]!r}")
    return list(scores)


def _take_first(lines: Sequence[str]) -> str:
    """The first line without the number of a list; nothing of a sentence, whose numbers may count answers or images."""
    line = _LISTED.sub("", lines[0]) if lines else ""
    return line if len(_WORD.findall(line)) <= _MOST_WORDS else ""


def _strip_labels(line: str) -> str:
    return _LABELS.sub("", line)


def _find_words(line: str) -> str:
    """The letters of a line, beside its numbers."""
    return re.sub(r"[\W\d_]+", "", line)


def _read_released(review: str) -> list[float | None]:
    pieces = review.split("\n")[0].replace(",", " ").split(" ")
    try:
        first, second = map(float, pieces)
    except ValueError:
        return [FAILED, FAILED]
    return [score if math.isfinite(score) else None for score in (first, second)]


def count_scores(reviews: Sequence[Review], category: str, lineage: Lineage) -> Item:
    """The share of an answer in every metric; a failed review has none but in `unreadable`, unless -1 is averaged.

    Args:
        reviews: Of `read_scores`, one per order, each with the reference's score first; None for an unreadable one.
        category: Of `CATEGORIES`.
        lineage: Whose rule for -1; only official mode has such a score.
    """
    scores = _average(reviews)
    known = [score for score in scores or () if score is not None]
    failed = len(known) < 2 or known[0] == FAILED
    counts: dict[str, Any] = {"unreadable": [int(failed), 1]}
    if len(known) == 2 and not (failed and lineage == "rlhf-v"):
        reference, candidate = known
        for end in ("", f"_{category}"):
            counts |= {f"relative{end}": [candidate, reference], f"candidate{end}": [candidate, 1]}
            counts |= {f"reference{end}": [reference, 1]}
    if len(reviews) == 2 and not failed:
        counts["position"] = [_measure_position(*map(_to_numbers, reviews)), 1]
    return {"counts": counts, "category": category, "scores": list(scores) if scores else None}


def _average(reviews: Sequence[Review]) -> Review:
    """The mean scores of all orders; where a review failed, that one."""
    failed = [review for review in reviews if review is None or None in review or review[0] == FAILED]
    if failed:
        return failed[0]
    return [sum(side) / len(side) for side in zip(*map(_to_numbers, reviews), strict=True)]


def _measure_position(first: Sequence[float], second: Sequence[float]) -> float:
    """Points that an answer gains by standing first, as the reference does in the first review and the other then."""
    return (first[0] - second[0] + second[1] - first[1]) / 2


def _to_numbers(review: Review) -> list[float]:
    return [score for score in review or () if score is not None]


def summarise_released(items: Iterable[Item]) -> dict[str, list[float]]:
    """What the released summaries print: relative score, and both means times 10.

    Means are rounded to three decimals before they are divided. A part whose reference mean is 0 is left out; the
    released code ends there.
    """
    pairs: dict[str, list[list[float]]] = {}
    for item in items:
        if "reference" in item["counts"]:
            pair = [item["counts"][name][0] for name in ("reference", "candidate")]
            for name in ("all", item["category"]):
                pairs.setdefault(name, []).append(pair)
    means = {name: np.asarray(found).mean(axis=0).round(3).tolist() for name, found in pairs.items()}
    return {
        name: [round(100 * candidate / reference, 1), round(10 * reference, 1), round(10 * candidate, 1)]
        for name, (reference, candidate) in means.items()
        if reference
    }
