"""One way from a row to records: what its format reads, and a look at what it does not.

A column that nobody reads is reported and kept in `meta`. A row in which such a column may hold a question, an answer
or a picture is refused: training on half a row, at exit code 0, is worse than no training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from errata.data.containers import Row, is_empty
from errata.data.formats.format import Format, ReadContext
from errata.data.formats.parts import take_meta
from errata.data.formats.pictures import find_picture_columns
from errata.data.formats.suggest import LABELS, explain_label
from errata.data.formats.vocabulary import guess_content
from errata.errors import DataError
from errata.records import Record

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
        _require_nothing(left, row, context)
        if all(len(record.responses) == 1 for record in records):
            _require_no_label(left, context)
    context.unread.update(name for name in left if name != "meta")
    return [replace(record, meta=meta | record.meta) for record in records] if meta else records


def _list_unread(known: Format, row: Row, context: ReadContext) -> Row:
    named = set(context.columns.values())
    read = named or {*(known.reads(row) if known.reads is not None else ()), *find_picture_columns(row)}
    return {name: value for name, value in row.items() if name not in read and not is_empty(value)}


def _require_nothing(left: Mapping[str, Any], row: Row, context: ReadContext) -> None:
    if not left:
        return
    read = [row[name] for name in row if name not in left]
    pictures = [path for name in find_picture_columns(row) for path in _list_paths(row[name])]
    held = {name: guess_content(name, value, pictures) for name, value in left.items() if value not in read}
    lost = {name: what for name, what in held.items() if what is not None and name != "meta"}
    if lost:
        raise _build_error(lost, context)


def _require_no_label(left: Mapping[str, Any], context: ReadContext) -> None:
    """Raise DataError for one answer with a word on whether it is good: to learn the bad ones is the opposite."""
    for name in LABELS:
        if isinstance(left.get(name), bool) or left.get(name) in ("True", "False", "true", "false"):
            found = f"one answer and {name!r}, which says whether it is good"
            raise context.error("pairs, or answers to be learned", found, explain_label(name))


def _build_error(lost: Mapping[str, str], context: ReadContext) -> DataError:
    named = [f"column {name!r} may hold {what}" for name, what in lost.items()][:_MOST_NAMED]
    more = f" and {len(lost) - _MOST_NAMED} more" if len(lost) > _MOST_NAMED else ""
    fix = (
        "say with `errata data import --columns` what the columns hold (prompt=…,chosen=…,rejected=…,image=…), "
        f"or leave them out with --ignore {','.join(list(lost)[:_MOST_NAMED])}"
    )
    return context.error("rows of which every question, answer and picture is read", "; ".join(named) + more, fix)


def _list_paths(value: Any) -> list[str]:
    """Names of the pictures of a column; one whose bytes stand in the row counts by any name."""
    if isinstance(value, (list, tuple)):
        return [path for one in value for path in _list_paths(one)]
    if isinstance(value, Mapping):
        return [str(value.get("path") or value.get("url") or "")]
    return [value if isinstance(value, str) else ""]
