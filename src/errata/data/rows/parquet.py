"""Parquet files row by row, so that a file larger than memory can be read and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from errata.errors import DataError, ErrataError
from errata.storage import remove_file, replacing, storing

ROWS = 32
"""Rows held at a time, and rows of a written row group."""

SHARD_BYTES = 500 << 20
"""Size that a file of a data set in several files grows to, as the Hub recommends."""


def list_columns(path: str | Path) -> list[str]:
    """The names of a parquet file's columns. Raises DataError when it is not one."""
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise _not_parquet(path, error) from None


def count_rows(path: str | Path) -> int:
    """How many rows a parquet file has. Raises DataError when it is not one."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise _not_parquet(path, error) from None


def read_parquet(path: str | Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (`file: row n`, row) in order, rows counted from 1. Raises DataError on a file that is not whole."""
    try:
        with pq.ParquetFile(path, buffer_size=1 << 20) as file:
            numbers = count(1)
            # One row group at a time: asked for several, pyarrow keeps more of them than it gives.
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(batch_size=ROWS, row_groups=[group]):
                    for row in batch.to_pylist():
                        yield f"{path}: row {next(numbers)}", row
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, ErrataError):
            raise
        raise _not_parquet(path, error) from None


def write_parquet(path: str | Path, schema: pa.Schema, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows in small row groups through a temporary sibling. Raises StorageError when the place is full."""
    remaining = iter(rows)
    with replacing(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        while group := list(islice(remaining, ROWS)):
            writer.write_table(pa.Table.from_pylist(group, schema))


def write_shards(folder: str | Path, schema: pa.Schema, rows: Iterable[dict[str, Any]]) -> list[Path]:
    """Write rows to `train-00000-of-0000N.parquet` and so on, in place of any that are there, and return the paths.

    They get their names when all are written: a killed run leaves the old files, or none of these names.

    Raises:
        StorageError: The place cannot be written.
    """
    place = Path(folder)
    parts: list[Path] = []
    remaining = iter(rows)
    try:
        while (first := next(remaining, None)) is not None or not parts:
            parts.append(place / f".train-{len(parts):05}.parquet")
            write_parquet(parts[-1], schema, _take_shard(first, remaining))
    except BaseException:
        for part in parts:
            remove_file(part)
        raise
    for old in place.glob("train-?????-of-?????.parquet"):
        remove_file(old)
    names = [place / f"train-{number:05}-of-{len(parts):05}.parquet" for number in range(len(parts))]
    with storing(place):
        return [part.replace(name) for part, name in zip(parts, names, strict=True)]


def _take_shard(first: dict[str, Any] | None, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows up to the size of one file."""
    size, row = 0, first
    while row is not None:
        yield row
        size += sum(_measure(value) for value in row.values())
        row = next(rows, None) if size < SHARD_BYTES else None


def _measure(value: Any) -> int:
    """Bytes of pictures and characters of texts, nested ones too."""
    if isinstance(value, (bytes, str)):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_measure, value.values()))
    return sum(map(_measure, value)) if isinstance(value, (list, tuple)) else 0


def _not_parquet(path: str | Path, error: Exception) -> DataError:
    reason = (getattr(error, "strerror", None) or str(error)).splitlines()[0][:200]
    return DataError(str(path), expected="a whole parquet file", found=reason, fix="download or convert it again")
