"""Ratings of responses as levels.

Records of K levels as records of two.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, Literal

from errata.data.reading import OnBad
from errata.data.segments import compare_with
from errata.data.shaping.folders import ImageRule, RecordFile, RecordFolder, writing_folder
from errata.errors import ConfigError, DataError, count_noun, quote
from errata.records import Record, Response

MOST = 1e100
"""A rating is smaller than this."""

LevelRule = Literal["distinct", "gap", "at_most"]


@dataclass(frozen=True, slots=True)
class Levelling:
    """How ratings become levels.

    Args:
        names: Keys of `meta`, each with one rating per response in their order; several are averaged.
        rule: `distinct` gives every distinct rating a level; `gap` begins a level where a rating lies `size` or more
            below the best of the level before; `at_most` cuts at the widest gaps, so that there are at most `size`
            levels. Equal ratings are always ties.
        size: Of the rule.
        lowest_is_best: Ratings count mistakes.
    """

    names: tuple[str, ...]
    rule: LevelRule = "distinct"
    size: float = 0
    lowest_is_best: bool = False

    def __post_init__(self) -> None:
        fits = {"distinct": True, "gap": 0 < self.size < math.inf, "at_most": 2 <= self.size < math.inf}
        if not self.names or not fits[self.rule]:
            expected = "names of ratings, and a gap above 0 or at most 2 or more levels"
            found = f"names {', '.join(self.names) or 'none'}, {self.rule} {self.size:g}"
            raise ConfigError(
                "levels", expected=expected, found=found, fix="write --ratings NAME and change the number"
            )


def write_levels(
    source: RecordFile,
    out: str | Path,
    levelling: Levelling,
    *,
    images: ImageRule = "link",
    on_bad: OnBad | None = None,
) -> RecordFolder:
    """Write the records with levels by their ratings, in their order.

    Args:
        source: The records.
        out: The folder to write.
        levelling: How.
        images: How pictures come into the folder.
        on_bad: Called with every record that cannot be used, one without a number for every response among them, which
            is then left out; without it the first one raises.
    """
    with writing_folder(out, source, images=images, on_bad=on_bad) as folder:
        for record in source.read(on_bad):
            try:
                levelled = level_record(record, levelling)
            except DataError as error:
                source.set_aside(record, error, on_bad)
                continue
            folder.write(levelled, source)
    return folder


def level_record(record: Record, levelling: Levelling) -> Record:
    """The record with its responses sorted by rating, best first, ties in their order; their ratings move with them.

    `meta.levels_by` names the ratings and the rule. Segments are found anew where another response is now the best;
    what ties with the best has none.

    Raises:
        DataError: A rating that is missing or no number.
    """
    columns = [_read_ratings(record, name) for name in levelling.names]
    sign = 1.0 if levelling.lowest_is_best else -1.0
    # A plain sum would depend on the order of the ratings, and part ties.
    keys = [sign * math.fsum(values) / len(columns) for values in zip(*columns, strict=True)]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    levels = find_levels([keys[place] for place in order], levelling)
    best, former = record.responses[order[0]], record.responses[0]
    responses = tuple(
        _place(compare_with(record.responses[place], best, former), level)
        for place, level in zip(order, levels, strict=True)
    )
    moved = {name: [record.meta[name][place] for place in order] for name in levelling.names}
    rule = levelling.rule if levelling.rule == "distinct" else f"{levelling.rule} {levelling.size:g}"
    named = {"ratings": list(levelling.names), "rule": rule}
    return replace(record, responses=responses, meta=record.meta | moved | {"levels_by": named})


def _place(response: Response, level: int) -> Response:
    return replace(response, level=level, segments=response.segments if level else ())


def find_levels(keys: Sequence[float], levelling: Levelling) -> list[int]:
    """Levels from 0 for numbers in ascending order, the smallest the best; equal numbers get the same."""
    if levelling.rule == "gap":
        return _cut_by_gap(keys, levelling.size)
    gaps = [(after - before, -place) for place, (before, after) in enumerate(pairwise(keys), 1)]
    cuts = [(gap, place) for gap, place in sorted(gaps, reverse=True) if gap > 0]
    if levelling.rule == "at_most":
        cuts = cuts[: int(levelling.size) - 1]
    places = {-place for _, place in cuts}
    levels, level = [], 0
    for place in range(len(keys)):
        level += place in places
        levels.append(level)
    return levels


def _cut_by_gap(keys: Sequence[float], gap: float) -> list[int]:
    levels: list[int] = []
    level, top = 0, keys[0] if keys else 0.0
    for key in keys:
        if key - top >= gap:
            level, top = level + 1, key
        levels.append(level)
    return levels


def _read_ratings(record: Record, name: str) -> list[float]:
    values = record.meta.get(name)
    if not isinstance(values, list) or len(values) != len(record.responses):
        found = f"{len(values)}" if isinstance(values, list) else "no list"
        expected = f"one rating for each of {count_noun(len(record.responses), 'response')}"
        raise DataError(f"meta.{name}", expected=expected, found=found, fix="fix the record")
    return [_read_number(value, f"meta.{name}") for value in values]


def _read_number(value: Any, where: str) -> float:
    """A rating; also as text, which is how VLFeedback has it."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not abs(number) < MOST:
        raise DataError(where, expected="numbers", found=quote(value, 60), fix="rate the response or drop the record")
    return number


PairRule = Literal["best_vs_rest", "all_pairs", "neighbours"]
PAIR_RULES: tuple[PairRule, ...] = ("best_vs_rest", "all_pairs", "neighbours")


def write_pairs(
    source: RecordFile,
    out: str | Path,
    rule: PairRule = "best_vs_rest",
    *,
    images: ImageRule = "link",
    on_bad: OnBad | None = None,
) -> RecordFolder:
    """Write a record for every pair of every record, in their order. Records of one level give none.

    Args:
        source: The records.
        out: The folder to write.
        rule: See `split_into_pairs`.
        images: How pictures come into the folder.
        on_bad: Called with every record that cannot be used, which is then left out; without it the first one raises.
    """
    with writing_folder(out, source, images=images, on_bad=on_bad) as folder:
        for record in source.read(on_bad):
            for pair in split_into_pairs(record, rule):
                folder.write(pair, source)
    return folder


def split_into_pairs(record: Record, rule: PairRule) -> Iterator[Record]:
    """The pairs of a record, best first; ties are never compared. A record that is a pair stays as it is.

    Ids are `ID.i-j` by the places of the two responses; `meta.pair` says of which record and levels. Where the better
    response is not the record's first one, segments are found anew and keep their types as far as they overlap.

    Args:
        record: Any record.
        rule: `best_vs_rest` compares level 0 with each lower one, `all_pairs` every two levels, `neighbours` every
            level with the next lower one.
    """
    if len(record.responses) == 2 and record.levels == (0, 1):
        yield record
        return
    ranks = {level: rank for rank, level in enumerate(sorted(set(record.levels)))}
    for (i, better), (j, worse) in combinations(enumerate(record.responses), 2):
        step = ranks[worse.level] - ranks[better.level]
        if step == 0 or (rule == "best_vs_rest" and better.level) or (rule == "neighbours" and step > 1):
            continue
        yield _build_pair(record, i, better, j, worse)


def _build_pair(record: Record, i: int, better: Response, j: int, worse: Response) -> Record:
    best = replace(better, level=0, segments=())
    rest = replace(compare_with(worse, best, record.responses[0]), level=1)
    origin = {"of": record.id, "levels": [better.level, worse.level]}
    return replace(record, id=f"{record.id}.{i}-{j}", responses=(best, rest), meta=record.meta | {"pair": origin})
