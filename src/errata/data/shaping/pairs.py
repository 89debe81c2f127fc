"""Records of K levels as records of two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Literal

from errata.data.reading import OnBad
from errata.data.shaping.folders import ImageRule, RecordFolder, writing_folder
from errata.data.shaping.record_file import RecordFile
from errata.data.shaping.segments_moved import compare_with
from errata.records import Record, Response

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
