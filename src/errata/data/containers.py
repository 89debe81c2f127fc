"""Files as rows, whatever holds them: parquet, Arrow, JSON lines, a JSON array, CSV, TSV. One place for each.

Rows come one after another and unparsed where parsing can fail, so that a bad one can be set aside.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errata.data.compressed import strip_compression
from errata.data.json_rows import iterate_json_rows
from errata.data.parquet import read_parquet
from errata.data.saved import read_arrow
from errata.data.tables import iterate_table
from errata.errors import DataError
from errata.records import parse_line

Row = dict[str, Any]

KINDS = {
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".tsv": "tsv",
}
"""File endings that are read, and what such a file is. Any other name is taken for JSON.

Those of texts may be followed by one of a compressed file.
"""


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row before anyone looked at it: its place, its number from 1 in its file, and what stands there.

    `data` is the row, JSON that is still text, or the error of a row that could not even be split into cells.
    """

    where: str
    number: int
    data: Row | bytes | DataError

    def read(self) -> Row:
        """The row. Raises DataError when it is no JSON object, or what splitting it found."""
        if isinstance(self.data, DataError):
            raise self.data
        row = parse_line(self.where, self.data) if isinstance(self.data, bytes) else self.data
        if not isinstance(row, dict):
            found = type(row).__name__
            raise DataError(self.where, expected="a row as a JSON object", found=found, fix="fix the row")
        return row

    def describe(self) -> str:
        """The row as it stood, for `bad.jsonl`; pictures by their size."""
        if isinstance(self.data, bytes):
            return self.data.decode("utf-8", "replace")
        if isinstance(self.data, DataError):
            return ""
        text = json.dumps(self.data, ensure_ascii=False, default=_describe_bytes)
        return text.encode("utf-8", "replace").decode("utf-8")


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: null, no text, no item, and lists and objects of nothing else."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    if isinstance(value, Mapping):
        return all(is_empty(one) for one in value.values())
    return isinstance(value, (list, tuple, bytes)) and all(one is None for one in value)


def find_kind(path: Path) -> str:
    """What a file is, by its ending."""
    return KINDS.get(strip_compression(path).suffix.lower(), "json")


def has_rows(path: Path) -> bool:
    """Whether a file in a folder is one of those that are read."""
    return strip_compression(path).suffix.lower() in KINDS


def iterate_rows(path: Path, split: str = "train") -> Iterator[RawRow]:
    """The rows of a file in order; of JSON with a list for each split, those of one.

    Raises:
        DataError: A file that is not there, or that is damaged as a whole.
    """
    kind = find_kind(path)
    if kind == "parquet":
        yield from _number(read_parquet(path))
    elif kind == "arrow":
        yield from _number(read_arrow(path))
    elif kind == "json":
        for where, text in iterate_json_rows(path, split):
            yield RawRow(where, int(where.rpartition(":")[2]), text)
    else:
        for where, number, cells in iterate_table(path, "," if kind == "csv" else "\t"):
            yield RawRow(where, number, cells)


def _number(rows: Iterable[tuple[str, Row]]) -> Iterator[RawRow]:
    for number, (where, row) in enumerate(rows, 1):
        yield RawRow(where, number, row)


def _describe_bytes(value: Any) -> str:
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else str(value)
