"""What `datasets` saved with `save_to_disk`: Arrow files in a folder, or in a folder for each split."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa

from errata.data.rows.parquet import ROWS
from errata.errors import DataError, ErrataError

STATE_FILE = "state.json"
SPLITS_FILE = "dataset_dict.json"


def is_saved(folder: Path) -> bool:
    """Whether a folder is one that `save_to_disk` wrote, of one data set or of several splits."""
    return (folder / SPLITS_FILE).is_file() or ((folder / STATE_FILE).is_file() and any(folder.glob("*.arrow")))


def find_other_splits(folder: Path, split: str) -> list[Path]:
    """The folders of splits below a folder that are not read, as another one was asked for.

    A saved data set of one split is read whatever that is called.

    Raises:
        DataError: Several splits, and none of the name.
    """
    others: list[Path] = []
    for file in sorted(folder.rglob(SPLITS_FILE)):
        names = _read_splits(file)
        if split not in names and len(names) != 1:
            fix = "say which to read: --split NAME, or name its folder"
            expected = f"a split {split!r}"
            raise DataError(str(file.parent), expected=expected, found=", ".join(names) or "none", fix=fix)
        others += [file.parent / name for name in names if name != split and len(names) > 1]
    return others


def _read_splits(file: Path) -> list[str]:
    try:
        splits = json.loads(file.read_text(encoding="utf-8"))["splits"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        splits = None
    if not isinstance(splits, list) or not all(isinstance(name, str) for name in splits):
        fix = "save the data set again, or name the folder of one split"
        raise DataError(str(file), expected="the names of splits", found="something else", fix=fix)
    return splits


def read_arrow(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (`file: row n`, row) in order, rows counted from 1. Raises DataError on a file that is not whole."""
    numbers = count(1)
    for batch in _iterate_batches(path):
        for start in range(0, batch.num_rows, ROWS):
            for row in batch.slice(start, ROWS).to_pylist():
                yield f"{path}: row {next(numbers)}", row


def list_arrow_columns(path: Path) -> list[str]:
    """The names of an Arrow file's columns. Raises DataError when it is not one."""
    with _wrapping(path), pa.memory_map(str(path)) as file:
        return list(_open(file).schema.names)


def count_arrow_rows(path: Path) -> int:
    """How many rows an Arrow file has. Raises DataError when it is not whole."""
    return sum(batch.num_rows for batch in _iterate_batches(path))


def _iterate_batches(path: Path) -> Iterator[Any]:
    with _wrapping(path), pa.memory_map(str(path)) as file:
        reader = _open(file)
        if isinstance(reader, pa.RecordBatchReader):
            yield from reader
        else:
            yield from (reader.get_batch(number) for number in range(reader.num_record_batches))


def _open(file: Any) -> Any:
    """`datasets` writes Arrow's stream format; its file format begins with a mark of its own."""
    mark = file.read(6)
    file.seek(0)
    return pa.ipc.open_file(file) if mark == b"ARROW1" else pa.ipc.open_stream(file)


@contextmanager
def _wrapping(path: Path) -> Iterator[None]:
    """What Arrow says about a damaged file, as an error of ours."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, ErrataError):
            raise
        reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0][:200]
        fix = "save the data set again"
        raise DataError(str(path), expected="a whole Arrow file", found=reason, fix=fix) from None
