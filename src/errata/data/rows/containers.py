"""Files as rows, whatever holds them: parquet, Arrow, JSON lines, a JSON array, CSV, TSV. One place for each.

Rows come one after another and unparsed where parsing can fail, so that a bad one can be set aside.

CSV and TSV with a header line, row by row.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from errata.data.rows.compressed import open_text, strip_compression
from errata.data.rows.json_rows import iterate_json_rows
from errata.data.rows.parquet import read_parquet
from errata.data.rows.saved import read_arrow
from errata.errors import DataError, count_noun
from errata.storage import parse_line

MAX_CELL = 64 << 20
"""Characters of one cell, which may hold an image; Python's own limit of 131,072 is too small for that."""

_LONGEST_HEADER = 1 << 20
_DELIMITERS = (";", "\t", "|", ",")


def iterate_table(path: Path, delimiter: str) -> Iterator[tuple[str, int, dict[str, str] | DataError]]:
    """(`file:line` that a row begins on, its line, cells by column) after the header.

    Where the header lacks the delimiter, but has one that spreadsheets write in its place, that one parts the cells. A
    cell may hold line ends inside quotes. A row that has other columns than the header or is not UTF-8 comes as its
    error, so that it can be set aside.

    Raises:
        DataError: No such file, or a header that is empty, repeats a name or is not UTF-8.
    """
    csv.field_size_limit(MAX_CELL)
    with open_text(path) as file:
        first = file.readline(_LONGEST_HEADER)
        rows = csv.reader(chain([first], file), delimiter=_find_delimiter(first, delimiter), strict=True)
        numbered = _iterate(path, rows)
        header = _check_header(f"{path}:1", next(numbered, (1, []))[1])
        for line, cells in numbered:
            if cells:
                yield f"{path}:{line}", line, _pair(f"{path}:{line}", header, cells)


def _find_delimiter(header: str, usual: str) -> str:
    plain = re.sub(r'"[^"]*"', "", header)
    return usual if usual in plain else next((mark for mark in _DELIMITERS if mark in plain), usual)


def _iterate(path: Path, rows: Any) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line that each begins on."""
    line = 1
    try:
        for cells in rows:
            yield line, cells
            line = rows.line_num + 1
    except csv.Error as error:
        fix = "fix the quotes; what follows such a place cannot be read"
        raise DataError(f"{path}:{line}", expected="a table", found=str(error), fix=fix) from None


def _pair(where: str, header: list[str], cells: list[str]) -> dict[str, str] | DataError:
    if len(cells) != len(header):
        expected, found = f"{count_noun(len(header), 'column')} as in the header", f"{len(cells)}"
        return DataError(where, expected=expected, found=found, fix="fix the row's delimiters and quotes")
    row = dict(zip(header, cells, strict=True))
    if not _is_utf8(cells):
        return DataError(where, expected="text in UTF-8", found="bytes that are not", fix="save the file as UTF-8")
    return row


def _check_header(where: str, header: list[str]) -> list[str]:
    problem = None
    if not any(header):
        problem = "none"
    elif len(set(header)) < len(header):
        problem = f"column {next(name for name in header if header.count(name) > 1)!r} twice"
    elif not _is_utf8(header):
        problem = "bytes that are not UTF-8"
    if problem is not None:
        fix = "save the file as UTF-8" if not _is_utf8(header) else "name every column in the first line"
        raise DataError(where, expected="a header with the columns' names", found=problem[:200], fix=fix)
    return header


def _is_utf8(cells: list[str]) -> bool:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:  # a byte that was none came in as half of a surrogate pair
        return False
    return True


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
