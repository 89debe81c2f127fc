"""Rows that were set aside: one file of one name, wherever a verb leaves some out.

Why things are missing: reasons that many share, counted, as results keep them and commands print them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from errata.storage import format_line, remove_file, replacing, write_json_lines

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


MOST = 10
"""Reasons that a result keeps of one benchmark or job."""
SHOWN = 3
"""Reasons that a command prints."""
_OWN = re.compile(
    r"\b(?:req|chatcmpl|call|msg|gen|resp)[-_]\w+|\b[0-9a-f-]{12,}\b|\d+|, in the reply .*", re.IGNORECASE | re.S
)
"""What differs between messages of the same cause: ids, numbers, what a reply held."""


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is missing.

    Attributes:
        id: Of the question, record or call.
        what: What is missing, in words that many share: `answer`, `verdict`.
        reason: Why.
        remedy: What can be done about it; empty where nothing is known.
    """

    id: str
    what: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason with the number of things that it explains, and the first of them."""

    what: str
    reason: str
    count: int
    remedy: str
    example: str


def count_reasons(missing: Iterable[Missing]) -> list[dict[str, Any]]:
    """The commonest reasons first, as JSON values; messages that differ in numbers and ids alone are one reason."""
    groups: dict[tuple[str, str], list[Missing]] = {}
    for one in missing:
        groups.setdefault((one.what, _OWN.sub("#", one.reason)), []).append(one)
    ordered = sorted(groups.values(), key=len, reverse=True)[:MOST]
    return [
        asdict(Reason(group[0].what, group[0].reason, len(group), group[0].remedy, group[0].id)) for group in ordered
    ]


def describe_reasons(reasons: Sequence[Mapping[str, Any]]) -> list[str]:
    """The commonest as lines: how many, what is missing, why, and what can be done."""
    lines = []
    for one in reasons[:SHOWN]:
        remedy = f" ({one['remedy']})" if one.get("remedy") else ""
        lines.append(f"{one['count']} x {one['what']}: {one['reason']}{remedy}, first {one['example']}")
    if len(reasons) > SHOWN:
        rest = reasons[SHOWN:]
        lines.append(f"{sum(one['count'] for one in rest)} more for {len(rest)} other reasons")
    return lines
