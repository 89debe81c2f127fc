"""Conversations as a JSON array or JSON lines, with images beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from errata.data.conversations import is_conversation, name_images, record_from_conversation
from errata.data.free_ids import FreeIds
from errata.data.json_rows import iterate_json_rows
from errata.errors import DataError
from errata.records import BadRow, Record
from errata.records.lines import parse_line


def holds_conversations(path: Path) -> bool:
    """Whether the first row that says what it is, of those that can be read, holds a conversation."""
    for where, text in iterate_json_rows(path):
        try:
            row = parse_line(where, text)
        except DataError:
            continue
        if isinstance(row, dict) and ("responses" in row or is_conversation(row)):
            return "responses" not in row
    return False


def read_conversations(path: Path, root: Path, on_bad: Callable[[BadRow], None] | None = None) -> list[Record]:
    """Every row as a record with one response.

    Args:
        path: The file.
        root: The folder that the images must lie in.
        on_bad: Called with every row that cannot be used, which is then left out; without it the first one raises.
    """
    records: list[Record] = []
    ids = FreeIds()
    for where, text in iterate_json_rows(path):
        try:
            record = parse_conversation(where, text, path, root)
        except DataError as error:
            if on_bad is None:
                error.can_skip = True
                raise
            on_bad(BadRow(where, str(error), text.decode("utf-8", "replace")))
            continue
        records.append(replace(record, id=ids.take(record.id)))
    return records


def parse_conversation(where: str, text: bytes, path: Path, root: Path) -> Record:
    """One row of the file; its id may occur in others. Raises DataError that begins with `where`."""
    row = parse_line(where, text)
    if not isinstance(row, dict):
        raise DataError(where, expected="a row as a JSON object", found=type(row).__name__, fix="fix the row")
    number = where.rpartition(":")[2]
    return record_from_conversation(row, where, name_images(row, where, root), f"{path.stem}-{number}")
