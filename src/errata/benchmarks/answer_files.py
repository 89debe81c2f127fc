"""Answers that other programs wrote, in their own files.

Read are our own answers, the files of the original repositories (POPE, LLaVA and its family, CHAIR, AMBER, MMHal,
MRHal, RefoMB, HallusionBench), the samples that lmms-eval logs, and the tables of VLMEvalKit. What a row says about its
question is kept; `joining.join_answers` finds the question.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from errata.benchmarks.lmms_eval import find_setting, flatten_sample, is_sample
from errata.benchmarks.spreadsheet import read_spreadsheet
from errata.errors import DataError
from errata.records import read_json_lines

TEXTS = ("prediction", "text", "answer", "caption", "response", "model_answer", "model_prediction")
"""Where the model's words stand. Beside a `prediction`, as VLMEvalKit writes it, `answer` is the label, even where the
prediction is empty."""
PROMPTS = ("question", "prompt", "query")
FIGURES = ("category", "subcategory", "set_id", "figure_id", "question_id")
"""What names a question of HallusionBench; a question of it may have no image."""
IMAGES = ("image_id", "image_source", "image", "image_path", "image_url")


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer and what its row tells of the question; empty where it tells nothing.

    Attributes:
        where: File and row.
        text: What the model said, to the last round where there are several.
        earlier: What it said in the rounds before.
        id: The question's id in our files.
        number: The question's number in the benchmark's files.
        category: Setting or type.
        image: Name or number.
        prompt: What was asked.
        label: The right answer, as far as the row holds it.
        model: Who answered.
        finished: Whether the answer came to its end.
    """

    where: str
    text: str
    earlier: tuple[str, ...] = ()
    id: str = ""
    number: str = ""
    category: str = ""
    image: str = ""
    prompt: str = ""
    label: str = ""
    model: str = ""
    finished: bool = True


def read_given_answers(path: str | Path) -> list[GivenAnswer]:
    """Read an answer file: .jsonl, .json, .tsv, .csv or .xlsx.

    Raises:
        DataError: `file:line` of a row without an answer or with another type; a file of another form or without rows.
    """
    path = Path(path)
    setting = find_setting(path)
    given = [answer for where, row in _read_rows(path) for answer in _parse_row(row, setting, where)]
    if not given:
        raise DataError(str(path), expected="at least one answer", found="none", fix="check the file")
    return given


def name_figure(row: Mapping[str, Any]) -> str:
    """The id of a question of HallusionBench, from the fields that name it; empty where the row lacks one."""
    parts = [_take(row, name) for name in FIGURES]
    return "-".join(("hallusion", *parts)) if all(parts) else ""


def _read_rows(path: Path) -> Iterator[tuple[str, Any]]:
    if path.suffix == ".xlsx":
        return _number(path, read_spreadsheet(path))
    if path.suffix in (".tsv", ".csv"):
        return _number(path, _read_table(path))
    document = _read_document(path) if path.suffix == ".json" else None
    if document is None:
        return read_json_lines(path)
    return _number(path, document)


def _number(path: Path, rows: list[Any]) -> Iterator[tuple[str, Any]]:
    return ((f"{path}: row {number}", row) for number, row in enumerate(rows, 1))


def _read_table(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(sys.maxsize)  # a cell may hold an image
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(str(path), expected="a table in UTF-8", found=str(error), fix="check the file") from None


def _read_document(path: Path) -> list[Any] | None:
    """The rows of one JSON value; None where the file holds JSON lines, as POPE's .json files do."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(str(path), expected="a readable file", found=str(error), fix="check the path") from None
    except ValueError:
        return None
    if isinstance(content, dict):
        content = content.get("imgToEval", content.get("logs", content))  # CHAIR's captions; lmms-eval's older logs
    if isinstance(content, dict):
        content = list(content.values()) if all(isinstance(row, dict) for row in content.values()) else [content]
    if not isinstance(content, list):
        raise DataError(str(path), expected="rows of answers", found=type(content).__name__, fix="check the file")
    return content


def _parse_row(row: Any, setting: str, where: str) -> list[GivenAnswer]:
    if not isinstance(row, dict):
        raise DataError(where, expected="an answer as an object", found=type(row).__name__, fix="fix the row")
    if is_sample(row):
        row = flatten_sample(row, setting, where)
    texts = _take_texts(row, where)
    answer = GivenAnswer(
        where,
        texts[-1],
        texts[:-1],
        id=_take(row, "id") or name_figure(row),
        number=_take(row, "question_id") or _take(row, "index"),
        image=_take_first(row, IMAGES),
        prompt=_take_first(row, PROMPTS),
        label=_take(row, "label") or (_take(row, "answer") if "prediction" in row else ""),
        model=_take(row, "model") or _take(row, "model_id"),
        finished=row.get("finished", True) is not False,
    )
    categories = _take(row, "category").split(",")  # VLMEvalKit asks once what occurs in several settings
    return [replace(answer, category=category.strip()) for category in categories]


def _take_texts(row: dict[str, Any], where: str) -> tuple[str, ...]:
    names = TEXTS[:1] if TEXTS[0] in row else TEXTS
    name = next((name for name in names if row.get(name) is not None), None)
    value = row[name] if name else None
    texts = value if isinstance(value, list) and value else [value]
    if not all(isinstance(text, str) for text in texts):
        found = f"no text under any of {', '.join(names)}" if name is None else f"{name!r} is {type(value).__name__}"
        raise DataError(where, expected="an answer", found=found, fix="fix the row")
    earlier = row.get("earlier") or []
    return (*(text for text in earlier if isinstance(text, str)), *texts)


def _take(row: Mapping[str, Any], name: str) -> str:
    """A text or a whole number as text; nothing else identifies a question."""
    value = row.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _take_first(row: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := _take(row, name))), "")
