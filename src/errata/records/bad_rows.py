"""Rows that were set aside: one file of one name, wherever a verb leaves some out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from errata.records.lines import format_line, write_json_lines
from errata.records.storage import remove_file, replacing

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


class BadRows:
    """Rows that are set aside one by one while a file is read; see `setting_aside`."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.path, self.count, self._stack = path, 0, stack
        self._file: IO[str] | None = None

    def append(self, row: BadRow) -> None:
        """Write a row down. Raises StorageError."""
        if self._file is None:
            temporary = self._stack.enter_context(replacing(self.path))
            self._file = self._stack.enter_context(temporary.open("w", encoding="utf-8", newline="\n"))
        self._file.write(format_line(f"{self.path}:{self.count + 1}", asdict(row)))
        self.count += 1


@contextmanager
def setting_aside(folder: str | Path) -> Iterator[BadRows]:
    """Give what takes bad rows; `folder`/bad.jsonl appears at the end if there are any, else an older one goes.

    Nothing is held but the row that is written: a large file may be bad from end to end.

    Raises:
        StorageError: The place cannot be written.
    """
    path = Path(folder) / BAD_FILE
    with ExitStack() as stack:
        rows = BadRows(path, stack)
        yield rows
    if not rows.count:
        remove_file(path)
