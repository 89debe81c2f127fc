"""One way from a row to records: what its format reads, and a look at what it does not.

A column that nobody reads is reported and kept in `meta`. A row in which such a column may hold a question, an answer
or a picture is refused: training on half a row, at exit code 0, is worse than no training.

What to do with a file of no known format, by the names of its columns.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from errata.data.formats.format import Format, ReadContext
from errata.data.formats.parts import take_meta
from errata.data.formats.pictures import find_picture_columns, list_names_of
from errata.data.formats.vocabulary import (
    ANSWER_PAIRS,
    ANSWERS,
    PICTURES,
    PROMPTS,
    guess_content,
    is_beside_answers,
    split_words,
)
from errata.data.rows import Row, is_empty
from errata.errors import DataError
from errata.records import IMAGE_PLACEHOLDER, Record

LABELS = ("label", "labels", "is_desirable", "desirable", "kto_tag", "thumbs_up")
"""Columns that say whether the one answer of a row is good, as KTO takes it."""

_LISTS = ("responses", "completions", "answers", "outputs", "candidates", "generations")
_SCORES = ("scores", "ratings", "rewards", "ranks")


def suggest_columns(row: Mapping[str, Any]) -> str:
    """How to name the columns of a row, with those that look like a question, answers and a picture."""
    names = row.keys()
    question = _first(names, PROMPTS) or "COLUMN"
    pictures = [name for name in names if not PICTURES.isdisjoint(split_words(name))]
    image = f",image={pictures[0]}" if pictures else ""
    told = [
        name
        for name in names
        if not ANSWERS.isdisjoint(split_words(name))
        and name not in (question, *pictures)
        and not is_beside_answers(name, paired=True)
    ]
    several = [name for name in told if isinstance(row[name], (list, tuple)) and len(row[name]) > 1]
    ranked = _first(told, _LISTS) or (several[0] if len(several) == 1 else None)
    if ranked is not None:
        scores = _first(names, _SCORES)
        ratings = f",ratings={scores}" if scores else ""
        return f"name its columns: --columns prompt={question},responses={ranked}{ratings}{image} (docs/formats.md)"
    label = _first(names, LABELS)
    if len(told) == 1 and label is not None:
        return f"{explain_label(label)}; then --columns prompt={question},answer={told[0]}{image}"
    if len(told) == 1:
        return f"name its columns: --columns prompt={question},answer={told[0]}{image} (docs/formats.md)"
    better, worse = (told[0], told[1]) if len(told) > 1 else ANSWER_PAIRS[0]
    if re.sub(r"[\dabAB]$", "", better) == re.sub(r"[\dabAB]$", "", worse):  # the names do not say which is better
        better, worse = "BETTER", "WORSE"
    return (
        f"name it with --format, or its columns: --columns prompt={question},chosen={better},rejected={worse}{image} "
        "(docs/formats.md)"
    )


def explain_label(name: str) -> str:
    """What can be done with rows of one answer and a label."""
    return (
        "join the rows of one question to rows of a better and a worse answer (chosen, rejected), or keep the good "
        f"ones alone, to be learned, and say --ignore {name}"
    )


def _first(names: Collection[str], usual: Collection[str]) -> str | None:
    small = {name.lower(): name for name in names}
    return next((small[name] for name in usual if name in small), None)


_MOST_NAMED = 5


def read_records(known: Format, row: Row, context: ReadContext) -> list[Record]:
    """The records of a row, with what its format does not read in their `meta`.

    Raises:
        DataError: A row that is not of the format, or that holds more than the format reads.
    """
    row = known.rename(row, context) if known.rename is not None else row
    records = list(known.read_row(row, context))
    if known.reads is None:
        return records
    left = _list_unread(known, row, context)
    meta = take_meta(left, context, ()) if left else {}
    if not context.columns:  # who names the columns has seen them
        _require_nothing(left, row, records, context)
        if all(len(record.responses) == 1 for record in records):
            _require_no_label(left, context)
    context.unread.update(name for name in left if name != "meta")
    return [replace(record, meta=meta | record.meta) for record in records] if meta else records


def _list_unread(known: Format, row: Row, context: ReadContext) -> Row:
    named = set(context.columns.values())
    read = named or {*(known.reads(row) if known.reads is not None else ()), *find_picture_columns(row)}
    return {name: value for name, value in row.items() if name not in read and not is_empty(value)}


def _require_nothing(left: Row, row: Row, records: Sequence[Record], context: ReadContext) -> None:
    if not left:
        return
    read = [row[name] for name in row if name not in left]
    pictures = [path for name in find_picture_columns(row) for path in list_names_of(row[name])]
    paired = bool(records) and all(record.levels[-1] > 0 for record in records)
    said = {_plain(text) for record in records for text in _list_said(record)}
    held = {
        name: guess_content(name, value, pictures)
        for name, value in left.items()
        if value not in read and not (isinstance(value, str) and _plain(value) in said)
    }
    lost = {
        name: what
        for name, what in held.items()
        if what is not None
        and name != "meta"
        and not (what in ("an answer", "a text") and is_beside_answers(name, paired=paired))
    }
    if lost:
        raise _build_error(lost, context)


def _list_said(record: Record) -> list[str]:
    return [turn.text for turns in (record.prompt, *(one.turns for one in record.responses)) for turn in turns]


def _plain(text: str) -> str:
    """A text without the places of pictures: a column that says the same again is no loss."""
    return " ".join(text.replace(IMAGE_PLACEHOLDER, " ").split())


def _require_no_label(left: Mapping[str, Any], context: ReadContext) -> None:
    """Raise DataError for one answer with a word on whether it is good: to learn the bad ones is the opposite."""
    for name in LABELS:
        if isinstance(left.get(name), bool) or left.get(name) in ("True", "False", "true", "false"):
            found = f"one answer and {name!r}, which says whether it is good"
            raise context.error("pairs, or answers to be learned", found, explain_label(name))


def _build_error(lost: Mapping[str, str], context: ReadContext) -> DataError:
    named = [f"column {name!r} may hold {what}" for name, what in lost.items()][:_MOST_NAMED]
    more = f" and {len(lost) - _MOST_NAMED} more" if len(lost) > _MOST_NAMED else ""
    names = ",".join(list(lost)[:_MOST_NAMED])
    fix = (
        "say with `errata data import --columns` what the columns hold (prompt=…,chosen=…,rejected=…,image=…), or "
        f"leave them out with `errata data import --ignore {names}` (`errata train` and `sft`: ignore_columns={names})"
    )
    rule = "rows of which every question, answer and picture is read"
    return context.error(rule, "; ".join(named) + more, fix, code="column")
