"""Rows that were set aside: one file of one name, wherever a verb leaves some out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from errata.records.lines import write_json_lines
from errata.records.storage import remove_file

BAD_FILE = "bad.jsonl"
"""In the folder that a verb writes; not there where nothing was set aside."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was set aside: its place (`file:line`), the reason, and the line as it stood."""

    where: str
    reason: str
    line: str


def write_bad_rows(folder: str | Path, rows: Sequence[Any]) -> Path:
    """Write dataclasses that say what was set aside and why to `folder`/bad.jsonl; without any, remove an older file.

    Returns:
        The file's path.

    Raises:
        StorageError: The place cannot be written.
    """
    path = Path(folder) / BAD_FILE
    if rows:
        write_json_lines(path, (asdict(row) for row in rows))
    else:
        remove_file(path)
    return path
