"""What `errata data import` is pointed at: a file, a folder of files, or the name of a data set on the Hub."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from errata.data.containers import KINDS, RawRow, find_kind, has_rows, iterate_rows
from errata.data.parquet import count_rows, list_columns
from errata.data.saved import SPLITS_FILE, STATE_FILE, count_arrow_rows, find_other_splits, list_arrow_columns
from errata.data.source_names import NAMES_FILE
from errata.errors import DataError

NOT_ROWS = ("bad.jsonl", NAMES_FILE, "dataset_info.json", "dataset_infos.json", STATE_FILE, SPLITS_FILE)
"""Files that stand beside rows and hold none."""

BESIDE = re.compile(r"(v\d+_)?\w+_annotations\.json")
"""VQAv2's annotations, which are read with their questions."""

_CACHE = re.compile(r"(cache|tmp|indices)[-\w]*\.arrow")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as rows, or a data set of the Hub, whose `path` is its name.

    Args:
        path: The file, or the name.
        kind: Its container, as in `formats.Sample`.
        rows: Its rows from the first on, each time it is called.
        columns: A table's columns; None where only rows show them. Raises DataError as `rows` does.
        count: How many rows there are; None where counting takes reading. Raises DataError as `rows` does.
    """

    path: Path
    kind: str
    rows: Callable[[], Iterator[RawRow]]
    columns: Callable[[], Sequence[str] | None] = lambda: None
    count: Callable[[], int | None] = lambda: None


def open_file(path: Path, split: str = "train") -> SourceFile:
    """One file, or of a JSON file with a list for each split that one. What is wrong with it shows when it is read."""
    kind = find_kind(path)
    if kind == "parquet":
        return SourceFile(path, kind, lambda: iterate_rows(path), lambda: list_columns(path), lambda: count_rows(path))
    if kind == "arrow":
        columns, count = lambda: list_arrow_columns(path), lambda: count_arrow_rows(path)
        return SourceFile(path, kind, lambda: iterate_rows(path), columns, count)
    return SourceFile(path, kind, lambda: iterate_rows(path, split))


def list_files(folder: Path, split: str = "train") -> list[Path]:
    """The files with rows in a folder and below, in order: its tables, Parquet before Arrow, or without any the others.

    Of a data set of several splits that `datasets` saved, those of one.

    Raises:
        DataError: There are none, or no such split.
    """
    others = find_other_splits(folder, split)
    found = [
        file
        for file in sorted(folder.rglob("*"))
        if has_rows(file)
        and not _stands_beside(file.name)
        and not _is_hidden(file.relative_to(folder))
        and not any(file.is_relative_to(other) for other in others)
    ]
    if not found:
        expected = f"files that end in {', '.join(KINDS)}"
        raise DataError(str(folder), expected=expected, found="none", fix="name the file or its folder")
    tables = ([file for file in found if find_kind(file) == kind] for kind in ("parquet", "arrow"))
    return next(filter(None, tables), found)


def _stands_beside(name: str) -> bool:
    return name in NOT_ROWS or BESIDE.fullmatch(name) is not None or _CACHE.fullmatch(name) is not None


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
