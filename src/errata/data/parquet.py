"""Parquet files row by row, so that a file larger than memory can be read and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from errata.errors import DataError, ErrataError
from errata.records import replacing

ROWS = 32
"""Rows held at a time, and rows of a written row group."""


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


def _not_parquet(path: str | Path, error: Exception) -> DataError:
    reason = (getattr(error, "strerror", None) or str(error)).splitlines()[0][:200]
    return DataError(str(path), expected="a whole parquet file", found=reason, fix="download or convert it again")
