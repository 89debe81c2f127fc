"""Tables of one's own, CSV, TSV or JSON lines: which column holds what is said by `--columns` or by the header.

`prompt`, and `chosen` with `rejected` (`rejected2`, `rejected3` … for lower levels), or `responses`, a list of answers,
best first or with `ratings`, or one `answer` for supervised records. Beside them `image` (`image2` …), `system`, `id`,
`source`, `license`, `chosen_model` and `rejected_model`. All other columns are kept in `meta`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from errata.data.formats.answers import Turns, build_levels, put_system, read_side, read_turns
from errata.data.formats.format import Format, ReadContext, Sample
from errata.data.formats.parts import require_names, take_id
from errata.data.formats.pictures import list_images
from errata.data.rows import Row, is_empty
from errata.errors import quote
from errata.records import Record, Response, Turn
from errata.storage import parse_line

NAMES = ("prompt", "chosen", "rejected", "responses", "ratings", "answer", "image", "system", "id", "source", "license")
MODELS = ("chosen_model", "rejected_model")
TEXTS = ("text", "response", "content", "completion", "answer")
LEVELS = ("level", "rating", "score", "overall_score")
_NUMBERED = re.compile(r"(rejected|image)(\d{0,2})")


def _recognise(sample: Sample) -> bool:
    answers = {"chosen", "rejected"} <= sample.names or "answer" in sample.names
    return sample.kind in ("csv", "tsv") and "prompt" in sample.names and answers


def _find_columns(row: Row) -> dict[str, str]:
    """The columns that a header names as `--columns` would."""
    return {name: name for name in row if name in (*NAMES, *MODELS) or _NUMBERED.fullmatch(name)}


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    columns = context.columns or _find_columns(row)
    require_names(columns, (*NAMES, *MODELS), ("rejected", "image"))
    held = {name: _take(row, name, column, context) for name, column in columns.items()}
    question = _read_question(held, context)
    if "responses" in held:
        prompt, responses = _require_question(question, held, context), tuple(_read_ranked(held, context))
    else:
        prompt, responses = build_levels(question, _read_sides(held, question, context), context)
        responses = tuple(_name_model(response, held) for response in responses)
    numbered = [_list_values(held[name], context) for name in _list_numbered(held, "image")]
    pictures = {"images": [picture for cell in numbered for picture in cell]}
    yield context.build_record(
        id=take_id({"id": held.get("id")}, context),
        prompt=prompt,
        responses=responses,
        images=context.store(list_images(pictures, context, _find_messages(held))),
        source=_read_text(held, "source", context) if held.get("source") else None,
        license=_read_text(held, "license", context) if held.get("license") else None,
    )


def _read_question(held: Mapping[str, Any], context: ReadContext) -> Turns | None:
    """The question with its system turn; None where no column was named for it."""
    if "prompt" not in held:
        return None
    if is_empty(held["prompt"]):
        return _require_question(None, held, context)
    turns = read_turns(held["prompt"], "prompt", context)
    system = (Turn("system", _read_text(held, "system", context)),) if held.get("system") else ()
    return put_system(system, turns, context)


def _require_question(question: Turns | None, held: Mapping[str, Any], context: ReadContext) -> Turns:
    if question is None:
        found = quote(held["prompt"]) if "prompt" in held else "no column for it"
        raise context.error("prompt as a text or messages", found, "say which column it is: --columns prompt=COLUMN")
    return question


def _find_messages(held: Mapping[str, Any]) -> Any:
    """The turns that may hold pictures: the question's, or those of a whole conversation."""
    return next((held[name] for name in ("prompt", "chosen", "answer") if isinstance(held.get(name), list)), ())


def _take(row: Row, name: str, column: str, context: ReadContext) -> Any:
    if column not in row:
        found = f"only {', '.join(map(repr, row)) or 'none'}"
        fix = f"say which column it is: --columns {name}=COLUMN"
        raise context.error(f"column {column!r} for {name}", found, fix)
    return row[column]


def _read_text(held: Mapping[str, Any], name: str, context: ReadContext) -> str:
    value = held.get(name)
    if not isinstance(value, str):
        found = f"{type(value).__name__} {quote(value)}" if name in held else "no column for it"
        raise context.error(f"{name} as a text", found, f"say which column it is: --columns {name}=COLUMN")
    return value


def _read_sides(held: Mapping[str, Any], question: Turns | None, context: ReadContext) -> list[list[Turns]]:
    """The answers, best side first: one `answer` alone, or `chosen` and every `rejected` that a row has."""
    if "chosen" not in held and "rejected" not in held:
        if "answer" not in held:
            fix = "say which columns they are: --columns chosen=COLUMN,rejected=COLUMN, or answer=COLUMN"
            raise context.error("answers", "no column for them", fix)
        _require_question(question, held, context)
        return [_read_side(held, "answer", context)]
    if "rejected" not in held:
        raise context.error("a column of worse answers", "none", "say which it is: --columns rejected=COLUMN")
    rejected = _list_numbered(held, "rejected")
    # A table has a cell for every row, not every row a third answer.
    names = ["chosen", *(name for place, name in enumerate(rejected) if not (place and is_empty(held[name])))]
    sides = [_read_side(held, name, context) for name in names]
    if question is None and any(len(answer) == 1 for side in sides for answer in side):
        _require_question(question, held, context)
    return sides


def _read_side(held: Mapping[str, Any], name: str, context: ReadContext) -> list[Turns]:
    if name not in held or (is_empty(held[name]) and not isinstance(held[name], str)):
        found = quote(held[name]) if name in held else "no column for it"
        fix = f"say which column it is: --columns {name}=COLUMN"
        raise context.error(f"{name} as a text, messages, or a list of these", found, fix)
    return read_side(held[name], name, context)


def _name_model(response: Response, held: Mapping[str, Any]) -> Response:
    model = held.get("rejected_model" if response.level else "chosen_model")
    return replace(response, model=model if isinstance(model, str) and model else None)


def _read_ranked(held: Mapping[str, Any], context: ReadContext) -> list[Response]:
    """A list of answers, best first, or as their ratings say.

    Ratings stand in a column of their own, or in the answers, objects of a text with `level` (0 is best) or with a
    rating (the highest is best); equal ones are ties. Without any, the place counts.
    """
    answers = _list_values(held["responses"], context)
    entries = [one if isinstance(one, Mapping) else {"text": one} for one in answers]
    texts = [next((one[name] for name in TEXTS if isinstance(one.get(name), str)), None) for one in entries]
    if not entries or None in texts:
        found = quote(held["responses"])
        raise context.error("responses as a list of texts, or of {text, level} or {text, rating}", found)
    levels = _find_levels(held, entries, context)
    ranked = sorted(zip(levels, texts, entries, strict=True), key=lambda each: each[0])
    return [_build(str(text), level, one.get("model")) for level, text, one in ranked]


def _find_levels(held: Mapping[str, Any], entries: list[Mapping[str, Any]], context: ReadContext) -> list[int]:
    name = next((name for name in LEVELS if any(one.get(name) is not None for one in entries)), None)
    if "ratings" in held:
        said, name = _list_values(held["ratings"], context), "ratings"
    elif name is None:
        return list(range(len(entries)))
    else:
        # One that says its level alone stands among those whose place is theirs.
        said = [one.get(name, place if name == "level" else None) for place, one in enumerate(entries)]
    if name == "level" and all(type(level) is int for level in said):
        return said
    numbers = [_read_number(one) for one in said]
    if name == "level" or len(numbers) != len(entries) or None in numbers:
        rule = "levels as whole numbers from 0 on, the best" if name == "level" else f"a number for each of {name}"
        raise context.error(rule, quote(said))
    best_first = sorted({number for number in numbers if number is not None}, reverse=True)
    return [best_first.index(number) for number in numbers if number is not None]


def _read_number(value: Any) -> float | None:
    try:
        number = None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
    return number if number is not None and math.isfinite(number) else None


def _build(text: str, level: int, model: Any) -> Response:
    return Response((Turn("assistant", text),), level, (), model if isinstance(model, str) and model else None)


def _list_numbered(held: Mapping[str, Any], stem: str) -> list[str]:
    """`image`, `image2`, `image10`: those that are there, by number."""
    found = [match for name in held if (match := _NUMBERED.fullmatch(name)) and match[1] == stem]
    return [match[0] for match in sorted(found, key=lambda match: int(match[2] or 0))]


def _list_values(cell: Any, context: ReadContext) -> list[Any]:
    """What a cell holds: nothing where it is empty, several things where it is a list or JSON of one."""
    if cell is None or cell == "":
        return []
    if isinstance(cell, str) and cell.startswith("["):
        cell = parse_line(context.where, cell.encode("utf-8", "surrogatepass"))
    return cell if isinstance(cell, list) else [cell]


TABLE = Format(
    "table",
    "CSV, TSV or JSON lines of one's own (`--columns`)",
    _recognise,
    _read_row,
    takes_columns=True,
    reads=_find_columns,
)
