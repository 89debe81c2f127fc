"""RLHF-V's legacy TSV: no header, seven columns, picture and texts as base64, the number of rows in the file's name.

Columns are `ds_name, image, text, origin_dataset, origin_split, idx, image_path`; `text` is a JSON list of question,
chosen and rejected, and perhaps the log-probs of a reference model, which are left behind. The name ends in `-N.tsv`
for N rows, so that a file that is cut off shows.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from errata.data.formats.format import Format, ReadContext, Sample
from errata.data.formats.origin import PairTexts, build_pair
from errata.data.rows import RawRow, Row
from errata.errors import DataError, count_noun, quote
from errata.records import Record
from errata.storage import parse_line

COLUMNS = ("ds_name", "image", "text", "origin_dataset", "origin_split", "idx", "image_path")
_COUNT = re.compile(r"-(\d{1,12})\.tsv$")
_HEAD = 4096


def _recognise_file(path: Path) -> bool:
    """Seven cells at most begin in the head of the file, and the second looks like base64 of a picture."""
    if path.suffix.lower() != ".tsv":
        return False
    with path.open("rb") as file:
        cells = file.readline(_HEAD).split(b"\t")
    return len(cells) >= 2 and len(cells[1]) > 64 and re.fullmatch(rb"[A-Za-z0-9+/]{60}.*", cells[1], re.S) is not None


def _read_rows(path: Path) -> Iterator[RawRow]:
    promised = _COUNT.search(path.name)
    count = number = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                count += 1
                yield RawRow(f"{path}:{number}", number, _split(f"{path}:{number}", line))
    if promised is not None and int(promised[1]) != count:
        fix = "download the file again, or rename it if it is meant to be so"
        expected = f"{count_noun(int(promised[1]), 'row')}, as the file's name says"
        yield RawRow(str(path), number, DataError(str(path), expected=expected, found=f"{count}", fix=fix))


def _split(where: str, line: bytes) -> Row | DataError:
    cells = line.rstrip(b"\r\n").split(b"\t")
    if len(cells) != len(COLUMNS):
        expected, found = f"{len(COLUMNS)} columns: {', '.join(COLUMNS)}", f"{len(cells)}"
        return DataError(where, expected=expected, found=found, fix="fix the row")
    try:
        picture, text = (base64.b64decode(cell, validate=True) for cell in cells[1:3])
        rest = [cell.decode("utf-8") for cell in (cells[0], *cells[3:])]
    except (binascii.Error, ValueError) as error:
        expected = "the image and the texts as base64, the other columns as UTF-8"
        return DataError(where, expected=expected, found=str(error)[:200], fix="fix the row")
    values = [rest[0], {"bytes": picture}, text, *rest[1:]]
    row: Row = dict(zip(COLUMNS, values, strict=True))
    return row | {"idx": int(row["idx"]) if row["idx"].isascii() and row["idx"].isdigit() else row["idx"]}


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    texts = parse_line(f"{context.where}: 'text'", row["text"])
    if not isinstance(texts, list) or len(texts) not in (3, 4) or not all(isinstance(text, str) for text in texts[:3]):
        raise context.error("the texts as a JSON list [question, chosen, rejected]", quote(texts))
    context.notes["cached log-probs"] += len(texts) == 4
    yield build_pair(row, PairTexts(*texts[:3]), context)


def _recognise(sample: Sample) -> bool:  # noqa: ARG001 - its rows have no names; the file is recognised as a whole
    return False


RLHFV_TSV = Format(
    "rlhfv-tsv",
    "RLHF-V (legacy TSV)",
    _recognise,
    _read_row,
    recognise_file=_recognise_file,
    read_rows=_read_rows,
)
