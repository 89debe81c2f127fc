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

CATEGORIES = ("conv", "detail", "complex")
FAILED = -1.0
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?![\w])")
_LABELS = re.compile(r"\b(?:assistant|answer)\s*[12]\b|(?<=\d)\s*/\s*10\b", re.IGNORECASE)

UNITS = {
    **{name: Unit("share", "higher") for name in ("relative", *(f"relative_{one}" for one in CATEGORIES))},
    **{name: Unit("points", "higher") for name in ("candidate", *(f"candidate_{one}" for one in CATEGORIES))},
    **{name: Unit("points") for name in ("reference", *(f"reference_{one}" for one in CATEGORIES))},
    "unreadable": Unit("share", "lower"),
}


def read_scores(review: str, mode: Mode) -> list[float | None]:
    """The scores of reference and candidate.

    Official is the released rule: two pieces between single blanks on the first line, -1 for both otherwise. Strict
    takes the two numbers on the first line that is not empty, each from 1 to 10.

    Returns:
        Both scores; None for a "nan" or "inf", which the released code takes for a number.

    Raises:
        ValueError: Strict mode, and there are not two such numbers.
    """
    if mode == "official":
        return _read_released(review)
    line = next((line for line in review.splitlines() if line.strip()), "")
    scores = [float(number) for number in _NUMBER.findall(_LABELS.sub("", line))]
    if len(scores) != 2 or not all(1 <= score <= 10 for score in scores):
        raise ValueError(f"not two scores from 1 to 10 in {line[:60]!r}")
    return list(scores)


def _read_released(review: str) -> list[float | None]:
    pieces = review.split("\n")[0].replace(",", " ").split(" ")
    try:
        first, second = map(float, pieces)
    except ValueError:
        return [FAILED, FAILED]
    return [score if math.isfinite(score) else None for score in (first, second)]


def count_scores(scores: Sequence[float | None] | None, category: str, lineage: Lineage) -> Item:
    """The share of one review in every metric; a failed one has none but in `unreadable`, unless -1 is averaged.

    Args:
        scores: Of `read_scores`; None where the review is unreadable.
        category: Of `CATEGORIES`.
        lineage: Whose rule for -1; only official mode has such a score.
    """
    known = [score for score in scores or () if score is not None]
    failed = len(known) < 2 or known[0] == FAILED
    counts: dict[str, Any] = {"unreadable": [int(failed), 1]}
    if len(known) == 2 and not (failed and lineage == "rlhf-v"):
        reference, candidate = known
        for end in ("", f"_{category}"):
            counts |= {f"relative{end}": [candidate, reference], f"candidate{end}": [candidate, 1]}
            counts |= {f"reference{end}": [reference, 1]}
    return {"counts": counts, "category": category, "scores": list(scores) if scores else None}


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
