"""What `errata data import` is pointed at: a file, a folder of files, or the name of a data set on the Hub."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from errata.data.containers import KINDS, RawRow, find_kind, iterate_rows
from errata.data.parquet import count_rows, list_columns
from errata.errors import DataError

NOT_ROWS = ("bad.jsonl", "dataset_info.json", "dataset_infos.json", "state.json")
"""Files that stand beside rows and hold none."""

BESIDE = re.compile(r"(v\d+_)?\w+_annotations\.json")
"""VQAv2's annotations, which are read with their questions."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as rows, or a data set of the Hub, whose `path` is its name.

    `columns` are known before a row is read where a table says them; `count` is None where counting takes reading.
    """

    path: Path
    kind: str
    rows: Callable[[], Iterator[RawRow]]
    columns: tuple[str, ...] | None = None
    count: int | None = None


def open_file(path: Path) -> SourceFile:
    """One file. Raises DataError for a parquet file that is none; others show what they are when they are read."""
    kind = find_kind(path)
    if kind == "parquet":
        return SourceFile(path, kind, lambda: iterate_rows(path), tuple(list_columns(path)), count_rows(path))
    return SourceFile(path, kind, lambda: iterate_rows(path))


def list_files(folder: Path) -> list[Path]:
    """The files with rows in a folder and below, in order: its parquet files, or without any those of other kinds.

    Raises:
        DataError: There are none.
    """
    found = [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in KINDS and not _stands_beside(file.name) and not _is_hidden(file.relative_to(folder))
    ]
    tables = [file for file in found if find_kind(file) == "parquet"]
    if not found:
        expected = f"files that end in {', '.join(KINDS)}"
        raise DataError(str(folder), expected=expected, found="none", fix="name the file or its folder")
    return tables or found


def _stands_beside(name: str) -> bool:
    return name in NOT_ROWS or BESIDE.fullmatch(name) is not None


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
