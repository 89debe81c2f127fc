"""The first sheet of an .xlsx file as rows: VLMEvalKit writes its predictions so.

Such a file is a zip archive of XML. Only texts and numbers are read; formulas, formats and further sheets are not.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

from errata.errors import DataError

_SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
MAX_BYTES = 1 << 30
"""Of a part of the archive once it is unpacked: a small file may unpack to anything."""


def read_spreadsheet(path: str | Path) -> list[dict[str, str]]:
    """Rows as column name -> text; the first row names the columns.

    Raises:
        DataError: The file is no spreadsheet, or unpacks to more than `MAX_BYTES`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            sheet = min(name for name in names if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name))
            shared = _read_shared(archive) if "xl/sharedStrings.xml" in names else []
            rows = [_read_row(row, shared) for row in _parse(archive, sheet).iter(f"{_SPACE}row")]
    except (OSError, ValueError, IndexError, zipfile.BadZipFile, ElementTree.ParseError) as error:
        found, fix = str(error) or type(error).__name__, "save it as .tsv or .jsonl"
        raise DataError(str(path), expected="an .xlsx spreadsheet", found=found, fix=fix) from None
    head, body = (rows[0] if rows else {}), rows[1:]
    return [{head[column]: text for column, text in row.items() if column in head} for row in body]


def _parse(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if archive.getinfo(name).file_size > MAX_BYTES:
        raise ValueError(f"{name} unpacks to more than {MAX_BYTES} bytes")
    return ElementTree.fromstring(archive.read(name))


def _read_shared(archive: zipfile.ZipFile) -> list[str]:
    """Texts that cells refer to by number."""
    return [_join(item) for item in _parse(archive, "xl/sharedStrings.xml").iter(f"{_SPACE}si")]


def _read_row(row: ElementTree.Element, shared: list[str]) -> dict[str, str]:
    """Column letters -> text of the cells that hold any."""
    cells = {}
    for place, cell in enumerate(row.iter(f"{_SPACE}c")):
        column = re.match(r"[A-Z]+", cell.get("r", "")) if cell.get("r") else None
        value = cell.find(f"{_SPACE}v")
        text = value.text or "" if value is not None else _join(cell)
        if cell.get("t") == "s":
            text = shared[int(text)]
        if text:
            cells[column.group() if column else str(place)] = text
    return cells


def _join(element: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in element.iter(f"{_SPACE}t"))
