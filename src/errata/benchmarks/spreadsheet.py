"""The first sheet of an .xlsx file as rows: VLMEvalKit writes its predictions so."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from errata.errors import DataError

MAX_BYTES = 1 << 30
"""Of the whole archive once it is unpacked: a small file may unpack to anything."""
MAX_ROWS = 1 << 20
"""As many as a spreadsheet can have; a file may say that its row has any number."""


def read_spreadsheet(path: str | Path) -> list[dict[str, str]]:
    """Rows as column name -> text, empty where a cell is; the first row names the columns.

    Raises:
        DataError: The file is no spreadsheet, unpacks to more than `MAX_BYTES`, or has rows behind `MAX_ROWS`.
    """
    try:
        lines = [line for line in _read_lines(path) if any(line)]
    except Exception as error:  # the library names no tree of errors for bytes that are no spreadsheet
        found, fix = str(error) or type(error).__name__, "save it as .tsv or .jsonl"
        raise DataError(str(path), expected="an .xlsx spreadsheet", found=found, fix=fix) from None
    head, body = (lines[0] if lines else []), lines[1:]
    rows = [dict(zip(head, line + [""] * (len(head) - len(line)), strict=False)) for line in body]
    return [{name: text for name, text in row.items() if name} for row in rows]


def _read_lines(path: str | Path) -> Iterator[list[str]]:
    with zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
    if size > MAX_BYTES:
        raise ValueError(f"a file that unpacks to {size} bytes, more than {MAX_BYTES}")
    with warnings.catch_warnings(), Path(path).open("rb") as file:
        warnings.simplefilter("ignore")  # they are about styles, which are not read
        sheet = load_workbook(file, read_only=True, data_only=True, keep_links=False).worksheets[0]
        sheet.reset_dimensions()  # what a file says of its size need not be so
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            if number > MAX_ROWS:
                raise ValueError(f"more than {MAX_ROWS} rows")
            yield [_to_text(cell) for cell in row]


def _to_text(cell: Any) -> str:
    """A cell's text; whole numbers may be kept as 7.0."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
