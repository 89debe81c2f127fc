"""What the numbers of an answer file mean, told by the question file that it was made with.

LLaVA counts POPE's settings as one list (`llava_pope_test.jsonl`), and its answers hold neither image nor setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from errata.benchmarks.answer_rows import GivenAnswer
from errata.errors import DataError
from errata.records import Fields, read_json_lines


def look_up_numbers(given: Sequence[GivenAnswer], path: str | Path) -> list[GivenAnswer]:
    """The answers with image, wording and category of the question whose number they have, and without the number.

    Args:
        given: Answers with numbers.
        path: JSON lines of `{question_id, image, text, category}`; the last may be absent.

    Raises:
        DataError: `file:line` of a row that cannot be used or a number that occurs twice; an answer whose number is
            not among them.
    """
    rows: dict[str, dict[str, str]] = {}
    for where, row in read_json_lines(path):
        number, told = _read_row(row, where)
        if number in rows:
            raise DataError(where, expected="numbers that occur once", found=f"{number} again", fix="drop one of them")
        rows[number] = told
    return [_describe(answer, rows, path) for answer in given]


def _read_row(row: Any, where: str) -> tuple[str, dict[str, str]]:
    fields = Fields(row, where, "question", fix="use the file that the answers were made with")
    number = fields.take("question_id", (int, str))
    told = {"image": fields.take("image", str), "prompt": fields.take("text", str)}
    return str(number), told | {"category": fields.take("category", str, "")}


def _describe(answer: GivenAnswer, rows: dict[str, dict[str, str]], path: str | Path) -> GivenAnswer:
    if answer.number not in rows:
        found, fix = f"question_id {answer.number or 'absent'}", "use the file that the answers were made with"
        raise DataError(answer.where, expected=f"a number of {path}", found=found, fix=fix)
    told = rows[answer.number]
    prompt = answer.prompt or told["prompt"]
    return replace(answer, number="", image=told["image"], prompt=prompt, category=told["category"])
