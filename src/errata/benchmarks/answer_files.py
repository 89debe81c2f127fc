"""Answers that other programs wrote, in their own files.

Read are our own answers, the files of the original repositories (POPE, LLaVA and its family, CHAIR, AMBER, MMHal,
MRHal, RefoMB, HallusionBench), the samples that lmms-eval logs, and the tables of VLMEvalKit, in whichever container.
`answer_rows` reads a row; `joining.join_answers` finds its question.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from errata.benchmarks.answer_columns import ANSWERS, choose_column
from errata.benchmarks.answer_rows import GivenAnswer, parse_row
from errata.benchmarks.lmms_eval import find_setting, flatten_sample, is_sample
from errata.errors import DataError
from errata.records import read_json_lines


def read_given_answers(path: str | Path, column: str | None = None) -> list[GivenAnswer]:
    """Read an answer file: .jsonl, .json, .tsv, .csv, .xlsx or .parquet.

    Args:
        path: The file.
        column: Which column holds the model's words; None finds it where only one can.

    Raises:
        DataError: `file:line` of a row that is none or whose answer is of another type; a file of another form or
            without rows, without a column of answers or with several.
    """
    path = Path(path)
    setting = find_setting(path)
    rows = [(where, _open_row(row, setting, where)) for where, row in build_rows(path)]
    if not rows:
        raise DataError(str(path), expected="at least one answer", found="none", fix="check the file")
    name = choose_column(rows, column, str(path))
    return [answer for where, row in rows for answer in parse_row(row, name, where)]


def _open_row(row: Any, setting: str, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise DataError(where, expected="an answer as an object", found=type(row).__name__, fix="fix the row")
    return flatten_sample(row, setting, where) if is_sample(row) else row


def build_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """The rows of a file with their places; the readers of spreadsheets and parquet are slow and imported here."""
    if path.suffix == ".xlsx":
        from errata.benchmarks.spreadsheet import read_spreadsheet

        return _number(path, [_empty(row) for row in read_spreadsheet(path)])
    if path.suffix == ".parquet":
        from errata.data import read_parquet

        return read_parquet(path)
    if path.suffix in (".tsv", ".csv"):
        return _number(path, _read_table(path))
    document = _read_document(path) if path.suffix == ".json" else None
    if document is None:
        return read_json_lines(path, nan=True)
    return _number(path, document)


def _number(path: Path, rows: list[Any]) -> Iterator[tuple[str, Any]]:
    return ((f"{path}: row {number}", row) for number, row in enumerate(rows, 1))


def _empty(row: dict[str, str]) -> dict[str, str | None]:
    """A row of a table: an empty cell is nothing, while an empty text in JSON is what a model said."""
    return {name: cell or None for name, cell in row.items()}


def _read_table(path: Path) -> list[dict[str, str | None]]:
    csv.field_size_limit(sys.maxsize)  # a cell may hold an image
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [_empty(row) for row in csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(str(path), expected="a table in UTF-8", found=str(error), fix="check the file") from None


def _read_document(path: Path) -> list[Any] | None:
    """The rows of one JSON value; None where the file holds JSON lines, as POPE's .json files do."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            str(path), expected="a readable file", found=str(error), fix="check the path", code="file"
        ) from None
    except ValueError:
        return None
    if isinstance(content, dict):
        content = _open_object(content)
    if not isinstance(content, list):
        raise DataError(str(path), expected="rows of answers", found=type(content).__name__, fix="check the file")
    return content


def _open_object(content: dict[str, Any]) -> Any:
    """The rows of CHAIR's captions, of lmms-eval's older logs, of the one list in an object, of a table by columns."""
    inside = content.get("imgToEval", content.get("logs"))
    lists = [value for value in content.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if inside is None and len(lists) == 1 and not set(ANSWERS) & content.keys():
        inside = lists[0]
    content = content if inside is None else inside
    if not isinstance(content, dict):
        return content
    if not content or not all(isinstance(row, dict) for row in content.values()):
        return [content]
    if set(ANSWERS) & content.keys():  # column -> row -> value, as pandas writes it
        keys = dict.fromkeys(key for column in content.values() for key in column)
        return [{name: column.get(key) for name, column in content.items()} for key in keys]
    return list(content.values())
