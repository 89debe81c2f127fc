"""How the levels of records differ in style: in length and in wording, and how far that alone gives them away.

What is preferred should differ in facts. Where better answers are longer, or begin with other words, a model learns
that instead, so every method's result says how large the difference is.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from errata.data import measure_edit_ratio
from errata.feedback.style_words import TellingWord, count_words, find_telling_words, guess_by_style
from errata.records import Record, Response


@dataclass(frozen=True, slots=True)
class LevelStyle:
    """One level: how many responses it has, and their means.

    `edit_ratio` is the share of both texts that differs from the record's best response, from 0 to 1.
    """

    level: int
    responses: int
    words: float
    characters: float
    edit_ratio: float


@dataclass(frozen=True, slots=True)
class Style:
    """What can be learnt from records without looking at a picture.

    Attributes:
        levels: Best first.
        pairs: Every two responses of one record at different levels.
        better_longer, better_shorter: Shares of the pairs, by words; the rest are equally long.
        mean_log_ratio: Of the better one's words to the worse one's, natural logarithm; 0.69 is twice as long.
        guessed_by_length, guessed_by_words: The share of pairs whose better one is found from style alone; 0.5 is
            chance. None where there are too few records to learn from one half and guess the other.
        words_of_better, words_of_worse: Those that tell the best level from the lower ones most.
    """

    levels: tuple[LevelStyle, ...]
    pairs: int
    better_longer: float | None
    better_shorter: float | None
    mean_log_ratio: float | None
    guessed_by_length: float | None
    guessed_by_words: float | None
    words_of_better: tuple[TellingWord, ...]
    words_of_worse: tuple[TellingWord, ...]


def measure_style(records: Sequence[Record]) -> Style:
    """Compare the levels of all records.

    A text is all of a response's rounds. Words are those of `corrections.split_words` that have letters or digits.
    """
    ratios = [
        math.log(count_words(better) / count_words(worse)) for record in records for better, worse in list_pairs(record)
    ]
    guessed = guess_by_style([list(list_pairs(record)) for record in records], [record.id for record in records])
    best = [response for record in records for response in record.responses if not response.level]
    lower = [response for record in records for response in record.responses if response.level]
    of_better, of_worse = find_telling_words(best, lower)
    return Style(
        _measure_levels(records),
        len(ratios),
        fmean(ratio > 0 for ratio in ratios) if ratios else None,
        fmean(ratio < 0 for ratio in ratios) if ratios else None,
        fmean(ratios) if ratios else None,
        guessed.by_length,
        guessed.by_words,
        of_better,
        of_worse,
    )


def list_pairs(record: Record) -> list[tuple[Response, Response]]:
    """Every two responses at different levels, the better one first."""
    return [(one, other) for one, other in combinations(record.responses, 2) if one.level < other.level]


def _measure_levels(records: Sequence[Record]) -> tuple[LevelStyle, ...]:
    found = defaultdict(list)
    for record in records:
        for response in record.responses:
            ratio = measure_edit_ratio(response, record.responses[0])
            found[response.level].append((count_words(response), sum(map(len, response.rounds)), ratio))
    return tuple(
        LevelStyle(level, len(rows), *(fmean(column) for column in zip(*rows, strict=True)))
        for level, rows in sorted(found.items())
    )
