"""What `errata data import` is pointed at: a file, a folder of files, or the name of a data set on the Hub.

A data set that `datasets` loads by name, from the Hub or a folder, row by row and with its pictures undecoded.

What pictures were called where they came from: an import names them by their content, benchmarks by these names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from errata.data.rows.containers import KINDS, RawRow, Row, find_kind, has_rows, iterate_rows
from errata.data.rows.parquet import count_rows, list_columns
from errata.data.rows.saved import SPLITS_FILE, STATE_FILE, count_arrow_rows, find_other_splits, list_arrow_columns
from errata.errors import DataError, quote
from errata.storage import read_json_lines, remove_file, write_json_lines

NAMES_FILE = "image-names.jsonl"
"""In a folder of records: `{"image": the path in records, "names": its names in the source}`, one picture a line."""

LONGEST_NAME = 1000


class SourceNames:
    """Names collected while pictures are brought into a folder."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def add(self, image: str, name: Any) -> None:
        """Note that the picture at `image` was called `name`, unless that is no name or says nothing new."""
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or name.startswith("data:"):
            return
        names = self._names.setdefault(image, [])
        if name not in names and PurePosixPath(name).stem != PurePosixPath(image).stem:
            names.append(name)

    def write(self, folder: str | Path) -> None:
        """Write the names beside the records, whole or not at all; without any, remove an older file."""
        path = Path(folder) / NAMES_FILE
        rows = [{"image": image, "names": names} for image, names in self._names.items() if names]
        if rows:
            write_json_lines(path, rows)
        else:
            remove_file(path)


def read_source_names(folder: str | Path) -> dict[str, list[str]]:
    """Image path -> its names in the source; empty where no import wrote them.

    Raises:
        DataError: The file says something else.
    """
    path = Path(folder) / NAMES_FILE
    if not path.is_file():
        return {}
    found: dict[str, list[str]] = {}
    for where, row in read_json_lines(path):
        image, names = (row.get("image"), row.get("names")) if isinstance(row, dict) else (None, None)
        if not isinstance(image, str) or not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            fix = "import the data again, or remove the file"
            raise DataError(where, expected="an image and its names", found=quote(row), fix=fix)
        found[image] = names
    return found


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


_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def is_hub_name(source: str | Path) -> bool:
    """Whether a source that is no path here can be the name of a data set: `owner/name`."""
    return _NAME.fullmatch(str(source)) is not None and ".." not in str(source)


def build_hub_source(name: str, split: str = "train") -> SourceFile:
    """A split as rows that stream in; nothing of it is kept on disk.

    Args:
        name: `owner/name` on the Hub, or a folder that `datasets.load_dataset` accepts.
        split: One of its splits.

    Raises:
        DataError: It cannot be reached or has no such split.
    """
    data = build_dataset(name, split)
    splits = data.info.splits or {}
    count = splits[split].num_examples if split in splits else None
    return SourceFile(Path(name), "hub", lambda: _iterate(data, name), lambda: data.column_names, lambda: count or None)


def build_dataset(name: str, split: str) -> Any:
    """A split as `datasets` streams it, pictures as bytes. Raises DataError."""
    import datasets  # takes a second, and most imports do without

    try:
        return datasets.load_dataset(name, split=split, streaming=True).decode(False)
    except Exception as error:  # offline, not found, gated, no such split: each has an exception of its own
        found = (str(error).splitlines() or [type(error).__name__])[0][:300]
        fix = "check the name, the network and `hf auth login`, or download the files and name their folder"
        expected = f"a data set with a split {split!r}, here or on the Hugging Face Hub"
        raise DataError(name, expected=expected, found=found, fix=fix) from None


def _iterate(data: Any, name: str) -> Iterator[RawRow]:
    rows, number = iter(data), 0
    while True:
        number += 1
        try:
            row: Row = next(rows)
        except StopIteration:
            return
        except Exception as error:  # whatever the network or a damaged shard raises
            found = (str(error).splitlines() or [type(error).__name__])[0][:300]
            fix = "give the command again, or download the files"
            raise DataError(f"{name}: row {number}", expected="the next row", found=found, fix=fix) from None
        yield RawRow(f"{name}: row {number}", number, row)
