"""Preference records as JSON lines.

A row is `{"id", "images", "prompt", "responses", "source", "license", "meta"}`. A prompt of one user turn and a
response of one round may be plain strings (`"prompt": "…"`, `{"level": 0, "text": "…"}`), longer ones are lists of
`{"role", "text"}`. Unknown fields are errors: a misspelt field must not vanish silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from errata.errors import DataError
from errata.records.fields import Fields, parse_turns
from errata.records.missing import BadRow
from errata.records.preference import Record, Response, Segment, Turn
from errata.storage import iterate_lines, parse_line, write_json_lines


def read_records(path: str | Path, *, on_bad: Callable[[BadRow], None] | None = None) -> list[Record]:
    """All preference records of a file; see `iterate_records`."""
    return list(iterate_records(path, on_bad=on_bad))


def iterate_records(
    path: str | Path,
    *,
    on_bad: Callable[[BadRow], None] | None = None,
    check: Callable[[Record, str], None] | None = None,
) -> Iterator[Record]:
    """Read preference records one after another; of those that went by, only ids are kept.

    Args:
        path: A `.jsonl` file.
        on_bad: Called with every row that cannot be used, which is then left out; without it the first one raises.
        check: Called with every record and its `file:line`; a DataError makes it a row that cannot be used.

    Raises:
        DataError: `file:line` with what is wrong, or a file that does not exist, or an id that occurs twice.
    """
    seen: dict[str, str] = {}
    for where, line in iterate_lines(Path(path)):
        try:
            record = parse_record(parse_line(where, line), where)
            if record.id in seen:
                raise DataError(
                    where,
                    expected="ids that occur once",
                    found=f"id {record.id!r} again, first at {seen[record.id]}",
                    fix="rename or drop one row",
                    code="duplicate-id",
                )
            if check is not None:
                check(record, where)
        except DataError as error:
            if on_bad is None:
                error.can_skip = True
                raise
            on_bad(BadRow(where, str(error), line.decode("utf-8", "replace")))
            continue
        seen[record.id] = where
        yield record


def write_records(path: str | Path, records: Iterable[Record]) -> None:
    """Write preference records, one a line, whole or not at all."""
    write_json_lines(path, (record_to_row(record) for record in records))


def record_to_row(record: Record) -> dict[str, Any]:
    """The JSON form of a record; short forms where they lose nothing."""
    prompt: Any = [_turn_to_row(turn) for turn in record.prompt]
    if len(record.prompt) == 1:
        prompt = record.prompt[0].text
    row: dict[str, Any] = {"id": record.id, "images": list(record.images), "prompt": prompt}
    row["responses"] = [_response_to_row(response) for response in record.responses]
    for name in ("source", "license", "meta"):
        if getattr(record, name):
            row[name] = getattr(record, name)
    return row


def _response_to_row(response: Response) -> dict[str, Any]:
    row: dict[str, Any] = {"level": response.level}
    if len(response.turns) == 1:
        row["text"] = response.text
    else:
        row["turns"] = [_turn_to_row(turn) for turn in response.turns]
    if response.segments:
        row["segments"] = [_segment_to_row(segment) for segment in response.segments]
    if response.model:
        row["model"] = response.model
    return row


def _turn_to_row(turn: Turn) -> dict[str, Any]:
    return {"role": turn.role, "text": turn.text}


def _segment_to_row(segment: Segment) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(segment, name) for name in ("start", "end", "better_start", "better_end")}
    return row | {name: value for name in ("type", "round") if (value := getattr(segment, name))}


def parse_record(row: Any, where: str) -> Record:
    """Turn a JSON row into a record. Raises DataError that begins with `where`."""
    fields = Fields(row, where, "record")
    responses = tuple(
        _parse_response(item, f"{where}: responses[{i}]") for i, item in enumerate(fields.take("responses", list))
    )
    values = {
        "id": fields.take("id", str),
        "images": fields.take_texts("images"),
        "prompt": parse_turns(fields.take("prompt", (str, list)), "user", where),
        "responses": responses,
        "source": fields.take("source", str, None),
        "license": fields.take("license", str, None),
        "meta": fields.take("meta", dict, {}),
    }
    fields.finish()
    try:
        return Record(**values)
    except DataError as error:
        raise error.within(where) from None


def _parse_response(row: Any, where: str) -> Response:
    fields = Fields(row, where, "response")
    text, turns = fields.take("text", str, None), fields.take("turns", list, None)
    if (text is None) == (turns is None):
        raise DataError(where, expected="either 'text' or 'turns'", found="both or neither", fix="keep one of them")
    segments = tuple(
        _parse_segment(item, f"{where}.segments[{i}]") for i, item in enumerate(fields.take("segments", list, []))
    )
    response = Response(
        turns=parse_turns(text if text is not None else turns, "assistant", where),
        level=fields.take("level", int),
        segments=segments,
        model=fields.take("model", str, None),
    )
    fields.finish()
    return response


def _parse_segment(row: Any, where: str) -> Segment:
    fields = Fields(row, where, "segment")
    segment = Segment(
        start=fields.take("start", int),
        end=fields.take("end", int),
        better_start=fields.take("better_start", int),
        better_end=fields.take("better_end", int),
        type=fields.take("type", str, None),
        round=fields.take("round", int, 0),
    )
    fields.finish()
    return segment
