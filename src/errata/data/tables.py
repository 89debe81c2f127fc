"""CSV and TSV with a header line, row by row."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from errata.data.compressed import open_text
from errata.errors import DataError, count_noun

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
