"""How the levels of records differ in style: in length and in wording, and how far that alone gives them away.

What is preferred should differ in facts. Where better answers are longer, or begin with other words, a model learns
that instead, so every method's result says how large the difference is.

Which words tell two groups of responses apart, and how well style alone finds the better one of a pair.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from statistics import fmean

from errata.corrections import split_words
from errata.data import measure_edit_ratio
from errata.records import Record, Response

MOST_WORDS = 10
"""So many of each side are shown ..."""
LEAST_Z = 2.0
"""... if their difference is so many standard deviations wide: words of a handful of texts tell nothing."""
PRIOR = 1.0
"""Occurrences that an average word is given on each side to begin with; more where all texts use it more."""

Pair = tuple[Response, Response]
"""The better one first."""


@dataclass(frozen=True, slots=True)
class TellingWord:
    """A word that one side uses more: how often each does, and by how many standard deviations their log-odds differ.

    `z` is above 0 for words of the better side.
    """

    word: str
    better: int
    worse: int
    z: float


@dataclass(frozen=True, slots=True)
class Guessed:
    """Shares of pairs that were guessed right, ties half; None where one half of the records has no pairs."""

    by_length: float | None
    by_words: float | None


@lru_cache(maxsize=100_000)
def _split(rounds: tuple[str, ...]) -> tuple[str, ...]:
    spans = ((text, span) for text in rounds for span in split_words(text))
    words = (text[start:end].lower() for text, (start, end) in spans)
    return tuple(word for word in words if any(char.isalnum() for char in word))


def list_words(response: Response) -> tuple[str, ...]:
    """The words of all rounds in lower case, marks left out."""
    return _split(response.rounds)


def count_words(response: Response) -> int:
    """At least 1: an answer of marks alone is as long as a word."""
    return max(1, len(list_words(response)))


def find_telling_words(
    better: Iterable[Response], worse: Iterable[Response]
) -> tuple[tuple[TellingWord, ...], tuple[TellingWord, ...]]:
    """The words of the better side and those of the worse, most telling first."""
    ours, theirs = _count(better), _count(worse)
    found = [TellingWord(word, ours[word], theirs[word], z) for word, (_, z) in _weigh(ours, theirs).items()]
    ranked = sorted(found, key=lambda one: (-abs(one.z), one.word))
    telling = [one for one in ranked if abs(one.z) >= LEAST_Z]
    sides = [one for one in telling if one.z > 0], [one for one in telling if one.z < 0]
    return tuple(sides[0][:MOST_WORDS]), tuple(sides[1][:MOST_WORDS])


def guess_by_style(pairs: Sequence[Sequence[Pair]], ids: Sequence[str]) -> Guessed:
    """Learn from one half of the records which length and which words are preferred, guess the other, and in turn.

    By length, the guess is "the longer one" or "the shorter one", whichever is right more often in the other half. By
    words, it is the response whose words have the higher sum of log-odds there (naive Bayes). Which half a record is in
    depends on its id.

    Args:
        pairs: Of each record.
        ids: Of the records.
    """
    halves: tuple[list[Pair], list[Pair]] = ([], [])
    for found, name in zip(pairs, ids, strict=True):
        halves[zlib.crc32(name.encode()) & 1].extend(found)
    if not all(halves):
        return Guessed(None, None)
    turns = (halves, halves[::-1])
    total = len(halves[0]) + len(halves[1])
    shares = [
        sum(_count_right(guess, learn(known)) for known, guess in turns) / total
        for learn in (_learn_length, _learn_words)
    ]
    return Guessed(*shares)


Score = Callable[[Response], float]


def _count_right(pairs: Sequence[Pair], score: Score) -> float:
    return sum(_is_right(score(better) - score(worse)) for better, worse in pairs)


def _is_right(lead: float) -> float:
    return 0.5 if lead == 0 else float(lead > 0)


def _learn_length(pairs: Sequence[Pair]) -> Score:
    longer = _count_right(pairs, lambda response: len(list_words(response)))
    sign = 1 if longer >= len(pairs) / 2 else -1
    return lambda response: sign * len(list_words(response))


def _learn_words(pairs: Sequence[Pair]) -> Score:
    weights = _weigh(_count(better for better, _ in pairs), _count(worse for _, worse in pairs))
    return lambda response: math.fsum(weights[word][0] for word in list_words(response) if word in weights)


def _count(responses: Iterable[Response]) -> Counter[str]:
    return Counter(word for response in responses for word in list_words(response))


def _weigh(ours: Counter[str], theirs: Counter[str]) -> dict[str, tuple[float, float]]:
    """The log-odds of every word between two groups, and how many of its standard deviations that is.

    With an informative Dirichlet prior, so that rare words do not lead (Monroe, Colaresi and Quinn 2008, eq. 16-22).
    """
    both = ours + theirs
    if len(both) < 2:
        return dict.fromkeys(both, (0.0, 0.0))  # one word alone has no odds
    size, n_ours, n_theirs = both.total(), ours.total(), theirs.total()
    scale = PRIOR * len(both)
    weights = {}
    for word, count in both.items():
        prior = scale * count / size
        one, other = ours[word] + prior, theirs[word] + prior
        rests = n_ours + scale - one, n_theirs + scale - other
        log_odds = math.log(one / rests[0]) - math.log(other / rests[1])
        weights[word] = (log_odds, log_odds / math.sqrt(1 / one + 1 / other))
    return weights


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
