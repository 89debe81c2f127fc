"""Two answers and which of them is better: `response_a` and `response_b`, `output_1` and `output_2`, with a verdict.

Arenas, reward models' data and crowd workers write it so. The verdict (`winner`, `preference`, `better_response_id` …)
names an answer by its letter or number, or by its column; a number decides only between numbered answers. A tie has
nothing to compare and is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from errata.data.formats.answers import (
    QUESTION_COLUMNS,
    build_levels,
    find_question_messages,
    read_question,
    read_side,
)
from errata.data.formats.format import Format, ReadContext, Sample
from errata.data.formats.parts import STATED, build_row_record, simplify
from errata.data.formats.pictures import list_images
from errata.data.rows import Row, is_empty
from errata.errors import quote
from errata.records import Record

_ANSWER = re.compile(r"(response|answer|output|completion|caption|text|conversation|messages)_?([abAB]|[0-2])")
_VERDICTS = (
    "preference",
    "preferred",
    "winner",
    "better",
    "better_response",
    "better_response_id",
    "better_id",
    "choice",
    "chosen",
    "overall_preference",
    "label",
    "vote",
    "verdict",
)
_PAIRS = (("a", "b"), ("1", "2"), ("0", "1"))


class _Choice(NamedTuple):
    """The columns of both answers, their letters or numbers, and the column of the verdict."""

    names: tuple[str, str]
    marks: tuple[str, str]
    verdict: str


def _find(row: Row) -> _Choice | None:
    """The one pair of answers of a row and its verdict."""
    found: dict[str, dict[str, str]] = {}
    for name in row:
        match = _ANSWER.fullmatch(name)
        if match is not None:
            found.setdefault(match[1], {})[match[2].lower()] = name
    pairs = [
        ((marked[marks[0]], marked[marks[1]]), marks)
        for marked in found.values()
        for marks in _PAIRS
        if set(marks) == set(marked)
    ]
    verdicts = [name for name in _VERDICTS if name in row and _is_short(row[name])]
    return _Choice(*pairs[0], verdicts[0]) if len(pairs) == 1 and len(verdicts) == 1 else None


def _is_short(value: Any) -> bool:
    return value is None or isinstance(value, int) or (isinstance(value, (str, float)) and len(str(value)) <= 40)


def _recognise(sample: Sample) -> bool:
    return _find(sample.row) is not None


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    choice = _find(row)
    if choice is None:
        expected = "two answers such as 'response_a' and 'response_b', and one column that says which is better"
        raise context.error(expected, f"columns {', '.join(map(str, row))}")
    better = _find_better(row[choice.verdict], choice, context)
    sides = [read_side(_unwrap(row[name]), name, context) for name in choice.names]
    best, worse = sides if better == 0 else sides[::-1]
    question = read_question(row, context)
    messages = find_question_messages(row) or _unwrap(row[choice.names[0]])
    prompt, responses = build_levels(question, [best, worse], context)
    yield build_row_record(row, context, list_images(row, context, messages), prompt, responses)


def _unwrap(value: Any) -> Any:
    """Messages that stand in an object of their own."""
    inner = value.get("messages") if isinstance(value, Mapping) else None
    return value if inner is None else inner


def _find_better(verdict: Any, choice: _Choice, context: ReadContext) -> int:
    """0 or 1, the place of the better answer."""
    said = simplify(str(int(verdict) if isinstance(verdict, float) and verdict.is_integer() else verdict))
    for place, (name, mark) in enumerate(zip(choice.names, choice.marks, strict=True)):
        full = {simplify(name), *(f"{what}{mark}" for what in ("model", "response", "answer", "assistant", "output"))}
        if not isinstance(verdict, bool) and said in {mark, *full}:
            return place
    expected = f"{choice.verdict!r} as {choice.marks[0]!r} or {choice.marks[1]!r}, or as a column of an answer"
    fix = "a tie has nothing to compare: leave it out; or make columns of better and worse answers"
    raise context.error(expected, "nothing" if is_empty(verdict) else quote(verdict), fix)


def _list_read(row: Row) -> set[str]:
    choice = _find(row)
    return {*QUESTION_COLUMNS, *STATED, *((*choice.names, choice.verdict) if choice is not None else ())}


CHOICE = Format("choice", "two answers and which is better", _recognise, _read_row, reads=_list_read)
