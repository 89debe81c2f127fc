"""Answers that other programs wrote, in their own files.

Read are our own answers, the files of the original repositories (POPE, LLaVA and its family, CHAIR, AMBER, MMHal,
MRHal, RefoMB, HallusionBench), the samples that lmms-eval logs, and the tables of VLMEvalKit, in whichever container.
`answer_rows` reads a row; `joining.join_answers` finds its question.

Samples that lmms-eval logs, as rows that say what is asked, what is right and what was said.

Since its version 0.4 a row no longer holds the question's fields (`doc`): number or image stand with each metric, the
wording under `input`, and POPE's setting only in the file's name.

The first sheet of an .xlsx file as rows: VLMEvalKit writes its predictions so.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from errata.benchmarks.answers.columns import ANSWERS, choose_column
from errata.benchmarks.answers.rows import GivenAnswer, find_failure, parse_row
from errata.errors import DataError
from errata.storage import read_json_lines

_KEPT = (
    "question_id", "category", "question", "image_id", "image_source", "image", "image_path", "image_url",
    "subcategory", "set_id", "figure_id", "context", "ans1", "gpt_answer", "doc_id",
)  # fmt: skip
_NUMBERS = {"question_id", "image_id", "ans1"}
_TASK = re.compile(r"samples_(\w+)\.jsonl$")
_SETTINGS = {"pope_adv": "adversarial", "pope_pop": "popular", "pope_random": "random"}


def find_setting(path: Path) -> str:
    """The setting of which a file of samples is, by its name; empty where the name tells none."""
    task = _TASK.search(path.name)
    return _SETTINGS.get(task.group(1), "") if task else ""


def is_sample(row: dict[str, Any]) -> bool:
    """Whether a row is one of lmms-eval's."""
    return "filtered_resps" in row or "resps" in row


def flatten_sample(row: dict[str, Any], setting: str, where: str) -> dict[str, Any]:
    """The sample with its fields beside one another. Raises DataError where a response is no text, or is several."""
    said = row.get("filtered_resps", row.get("resps"))
    while isinstance(said, list) and len(said) == 1:
        said = said[0]
    if not isinstance(said, str) and not (said is None or find_failure(said)):
        found = f"{len(said)} of them" if isinstance(said, list) else type(said).__name__
        raise DataError(where, expected="one response, as text", found=found, fix="log one response a question")
    document = row["doc"] if isinstance(row.get("doc"), dict) else {}
    scored = next((value for value in row.values() if isinstance(value, dict) and value.keys() & _NUMBERS), {})
    known = {"question": row.get("input"), "category": setting, "doc_id": row.get("doc_id"), **scored, **document}
    label = known.get("answer", row.get("target", ""))
    kept = {name: known[name] for name in _KEPT if name in known}
    target = row.get("target")
    told = {"label": label if isinstance(label, str) else "", "target": target if isinstance(target, str) else ""}
    return {**kept, **told, "prediction": said}


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
        from errata.benchmarks.answers.files import read_spreadsheet

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
