"""Whether the better answers differ in style: in how much was said anew, and in length.

What is preferred should differ in facts. Where better answers are longer, or worded anew, a model learns that instead
(arXiv 2312.00849, section 2, calls it shallow bias).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from statistics import median

from errata.data.edit_ratio import measure_edit_ratio
from errata.data.findings import Finding
from errata.records import Record

REWRITE_RATIO = 0.75
"""A correction that changes more than this share of both texts is a rewrite ..."""
REWRITE_LEAST = 40
"""... if one of them has at least so many characters: a correction of `Yes.` changes all of it."""
CORRECTIONS_RATIO = 0.3
"""Where half of a file's answers change less than this share, the file holds corrections, and a rewrite is unusual."""
LENGTH_FACTOR = 2.0
"""An answer that is so many times as long as the better one, or as short, differs in style ..."""
LENGTH_LEAST = 120
"""... if the difference is at least so many characters: `Yes.` beside a sentence is no shift."""
BIAS_FACTOR = 1.35
"""Better answers that are on average (geometric) so many times as long, or as short, as the worse are a bias ..."""
BIAS_LEAST = 50
"""... in so many pairs or more: few say nothing."""


class StyleCheck:
    """Collects the ratios of a file's pairs, best against each worse one; `finish` gives what they show."""

    def __init__(self) -> None:
        self._ratios = array("d")
        self._lengths = array("d")
        self._rewrites: list[Finding] = []

    def add(self, record: Record, where: str) -> Iterator[Finding]:
        """Take a record in, and yield what is seen in it alone."""
        best = record.responses[0]
        best_length = sum(map(len, best.rounds))
        for number, response in enumerate(record.responses):
            if response.level == 0:
                continue
            length = sum(map(len, response.rounds))
            ratio = measure_edit_ratio(response, best)
            self._ratios.append(ratio)
            self._lengths.append(math.log(best_length / length))
            longer, shorter = max(length, best_length), min(length, best_length)
            if ratio > REWRITE_RATIO and longer >= REWRITE_LEAST:
                message = f"answer {number} differs in {ratio:.0%} from the better one; look whether only facts changed"
                self._rewrites.append(Finding("rewrite", where, record.id, message))
            if longer >= LENGTH_FACTOR * shorter and longer - shorter >= LENGTH_LEAST:
                message = f"answer {number} has {length} characters, the better one {best_length}"
                yield Finding("length", where, record.id, message)

    def finish(self, file: str) -> Iterator[Finding]:
        """What all pairs together show."""
        if self._ratios and median(self._ratios) <= CORRECTIONS_RATIO:
            yield from self._rewrites
        if len(self._lengths) >= BIAS_LEAST:
            factor = math.exp(sum(self._lengths) / len(self._lengths))
            if not 1 / BIAS_FACTOR <= factor <= BIAS_FACTOR:
                message = f"better answers are on average {factor:.2f} times as long; length will be learned too"
                yield Finding("length-bias", file, "", message)
