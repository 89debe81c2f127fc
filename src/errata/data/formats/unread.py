"""One way from a row to records: what its format reads, and a look at what it does not.

A column that nobody reads is reported and kept in `meta`. A row in which such a column may hold a question, an answer
or a picture is refused: training on half a row, at exit code 0, is worse than no training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from errata.data.containers import Row, is_empty
from errata.data.formats.format import Format, ReadContext
from errata.data.formats.parts import take_meta
from errata.data.formats.pictures import find_picture_columns, list_names_of
from errata.data.formats.suggest import LABELS, explain_label
from errata.data.formats.vocabulary import guess_content, is_beside_answers
from errata.errors import DataError
from errata.records import IMAGE_PLACEHOLDER, Record

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
