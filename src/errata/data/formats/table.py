"""Tables of one's own, CSV, TSV or JSON lines: which column holds what is said by `--columns` or by the header.

`prompt`, and `chosen` with `rejected` (`rejected2`, `rejected3` … for lower levels), or `responses`, a list of answers,
best first, or one `answer` for supervised records. Beside them `image` (`image2` …), `system`, `id`,
`source`, `license`, `chosen_model` and `rejected_model`. All other columns are kept in `meta`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from errata.data.containers import Row
from errata.data.formats.columns import require_names
from errata.data.formats.format import Format, ReadContext, Sample
from errata.data.formats.parts import take_id, take_meta
from errata.records import Record, Response, Turn
from errata.records.lines import parse_line

NAMES = ("prompt", "chosen", "rejected", "responses", "answer", "image", "system", "id", "source", "license")
MODELS = ("chosen_model", "rejected_model")
_NUMBERED = re.compile(r"(rejected|image)(\d{0,2})")


def _recognise(sample: Sample) -> bool:
    answers = {"chosen", "rejected"} <= sample.names or "answer" in sample.names
    return sample.kind in ("csv", "tsv") and "prompt" in sample.names and answers


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    columns = context.columns or {name: name for name in row if name in (*NAMES, *MODELS) or _NUMBERED.fullmatch(name)}
    require_names(columns, (*NAMES, *MODELS), ("rejected", "image"))
    held = {name: _take(row, name, column, context) for name, column in columns.items()}
    prompt = _read_text(held, "prompt", context)
    system = (Turn("system", _read_text(held, "system", context)),) if held.get("system") else ()
    pictures = [one for name in _list_numbered(held, "image") for one in _list_values(held[name], context)]
    yield context.build_record(
        id=take_id({"id": held.get("id")}, context),
        prompt=(*system, Turn("user", prompt)),
        responses=tuple(_read_responses(held, context)),
        images=context.store(pictures),
        source=_read_text(held, "source", context) if held.get("source") else context.path.stem,
        license=_read_text(held, "license", context) if held.get("license") else None,
        meta=take_meta({name: one for name, one in row.items() if one != ""}, context, set(columns.values())),
    )


def _take(row: Row, name: str, column: str, context: ReadContext) -> Any:
    if column not in row:
        found = f"only {', '.join(map(repr, row)) or 'none'}"[:120]
        fix = f"say which column it is: --columns {name}=COLUMN"
        raise context.error(f"column {column!r} for {name}", found, fix)
    return row[column]


def _read_text(held: Mapping[str, Any], name: str, context: ReadContext) -> str:
    value = held.get(name)
    if not isinstance(value, str):
        found = f"{type(value).__name__} {value!r}"[:80] if name in held else "no column for it"
        raise context.error(f"{name} as a text", found, f"say which column it is: --columns {name}=COLUMN")
    return value


def _read_responses(held: Mapping[str, Any], context: ReadContext) -> Iterator[Response]:
    if "responses" in held:
        yield from _read_ranked(held["responses"], context)
        return
    if "chosen" not in held and "rejected" not in held:
        yield Response((Turn("assistant", _read_text(held, "answer", context)),), 0)
        return
    yield _build(_read_text(held, "chosen", context), 0, held.get("chosen_model"))
    if "rejected" not in held:
        raise context.error("a column of worse answers", "none", "say which it is: --columns rejected=COLUMN")
    for level, name in enumerate(_list_numbered(held, "rejected"), 1):
        if level > 1 and held[name] == "":  # a table has a cell for every row, not every row a third answer
            continue
        if not isinstance(held[name], (str, list)) or held[name] == []:
            raise context.error(f"{name} as a text or a list of texts", f"{held[name]!r}"[:80])
        for text in [held[name]] if isinstance(held[name], str) else held[name]:
            if not isinstance(text, str):
                raise context.error(f"{name} as a text or a list of texts", f"{text!r}"[:80])
            yield _build(text, level, held.get("rejected_model"))


def _read_ranked(cell: Any, context: ReadContext) -> list[Response]:
    """A list of texts, best first, or of `{"text", "level", "model"}`; without a level, the place counts."""
    answers = _list_values(cell, context)
    entries = [one if isinstance(one, Mapping) else {"text": one} for one in answers]
    if not entries or not all(isinstance(one.get("text"), str) for one in entries):
        raise context.error("responses as a list of texts, or of {text, level}", f"{cell!r}"[:80])
    levels = [one.get("level", place) for place, one in enumerate(entries)]
    if not all(type(level) is int for level in levels):
        raise context.error("levels as whole numbers from 0 on, the best", f"{levels!r}"[:80])
    ranked = sorted(zip(levels, entries, strict=True), key=lambda pair: pair[0])
    return [_build(one["text"], level, one.get("model")) for level, one in ranked]


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


TABLE = Format("table", "CSV, TSV or JSON lines of one's own (`--columns`)", _recognise, _read_row, takes_columns=True)
