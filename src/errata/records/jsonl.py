"""Records as JSON lines: strict reading with file:line errors, writing that a killed run cannot tear.

A row is `{"id", "images", "prompt", "responses", "source", "license", "meta"}`. A prompt of one user turn and a
response of one round may be plain strings (`"prompt": "…"`, `{"level": 0, "text": "…"}`), longer ones are lists of
`{"role", "text"}`. Unknown fields are errors: a misspelt field must not vanish silently.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from errata.errors import DataError, StorageError
from errata.records.conversation import ROLES, Turn
from errata.records.preference import Record, Response, Segment


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was set aside: its place (`file:line`), the reason, and the line as it stood."""

    where: str
    reason: str
    line: str


def read_json_lines(path: str | Path) -> Iterator[tuple[str, Any]]:
    """Yield (`file:line`, value) of every non-blank line. Raises DataError on a line that is not JSON."""
    for where, line in _read_lines(Path(path)):
        yield where, _parse_line(where, line)


def write_json_lines(path: str | Path, rows: Iterable[Any]) -> None:
    """Write one JSON value per line; the file appears whole or not at all."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_text(path: str | Path, text: str) -> None:
    """Write a file through a temporary sibling and rename, so that a kill or a full disk leaves the old one."""
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageError(
            str(path), expected="a writable place with room", found=error.strerror or str(error), fix="free space or choose another --out"
        ) from error


def read_records(path: str | Path, *, on_bad: Callable[[BadRow], None] | None = None) -> list[Record]:
    """Read preference records.

    Args:
        path: A `.jsonl` file.
        on_bad: Called with every row that cannot be used, which is then left out; without it the first one raises.

    Raises:
        DataError: `file:line` with what is wrong, or a file that does not exist, or an id that occurs twice.
    """
    records: list[Record] = []
    seen: dict[str, str] = {}
    for where, line in _read_lines(Path(path)):
        try:
            record = parse_record(_parse_line(where, line), where)
            if record.id in seen:
                raise DataError(where, expected="ids that occur once", found=f"id {record.id!r} again, first at {seen[record.id]}", fix="rename or drop one row")
        except DataError as error:
            if on_bad is None:
                raise
            on_bad(BadRow(where, str(error), line))
            continue
        seen[record.id] = where
        records.append(record)
    return records


def write_records(path: str | Path, records: Iterable[Record]) -> None:
    """Write preference records, one a line, whole or not at all."""
    write_json_lines(path, (record_to_row(record) for record in records))


def record_to_row(record: Record) -> dict[str, Any]:
    """The JSON form of a record; short forms where they lose nothing."""
    prompt: Any = [asdict(turn) for turn in record.prompt]
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
        row["turns"] = [asdict(turn) for turn in response.turns]
    if response.segments:
        row["segments"] = [{k: v for k, v in asdict(segment).items() if v or k not in ("type", "round")} for segment in response.segments]
    if response.model:
        row["model"] = response.model
    return row


def parse_record(row: Any, where: str) -> Record:
    """Turn a JSON row into a record. Raises DataError that begins with `where`."""
    fields = _Fields(row, where, "record")
    responses = tuple(_parse_response(item, f"{where}: responses[{i}]") for i, item in enumerate(fields.take("responses", list)))
    images = fields.take("images", list, [])
    if not all(isinstance(image, str) for image in images):
        raise DataError(where, expected="image paths as strings", found="another type in 'images'", fix="write paths relative to the image root")
    values = {
        "id": fields.take("id", str),
        "images": tuple(images),
        "prompt": _parse_turns(fields.take("prompt", (str, list)), "user", where),
        "responses": responses,
        "source": fields.take("source", str, None),
        "license": fields.take("license", str, None),
        "meta": fields.take("meta", dict, {}),
    }
    fields.finish()
    try:
        return Record(**values)
    except DataError as error:
        raise DataError(f"{where}: {error.where}", expected=error.expected, found=error.found, fix=error.fix) from None


def _parse_response(row: Any, where: str) -> Response:
    fields = _Fields(row, where, "response")
    text, turns = fields.take("text", str, None), fields.take("turns", list, None)
    if (text is None) == (turns is None):
        raise DataError(where, expected="either 'text' or 'turns'", found="both or neither", fix="keep one of them")
    segments = tuple(_parse_segment(item, f"{where}.segments[{i}]") for i, item in enumerate(fields.take("segments", list, [])))
    response = Response(
        turns=_parse_turns(text if text is not None else turns, "assistant", where),
        level=fields.take("level", int),
        segments=segments,
        model=fields.take("model", str, None),
    )
    fields.finish()
    return response


def _parse_segment(row: Any, where: str) -> Segment:
    fields = _Fields(row, where, "segment")
    names = ("start", "end", "better_start", "better_end")
    segment = Segment(*(fields.take(name, int) for name in names), type=fields.take("type", str, None), round=fields.take("round", int, 0))
    fields.finish()
    return segment


def _parse_turns(value: Any, role: str, where: str) -> tuple[Turn, ...]:
    if isinstance(value, str):
        value = [{"role": role, "text": value}]
    turns = []
    for number, item in enumerate(value):
        fields = _Fields(item, f"{where}: turn {number}", "turn")
        turn = Turn(fields.take("role", str), fields.take("text", str))
        fields.finish()
        if turn.role not in ROLES:
            raise DataError(fields.where, expected=f"a role of {', '.join(ROLES)}", found=f"role {turn.role!r}", fix="rename the role")
        turns.append(turn)
    return tuple(turns)


class _Fields:
    """The fields of a JSON object, each taken once and by type; what is left over is an error."""

    def __init__(self, row: Any, where: str, noun: str) -> None:
        if not isinstance(row, dict):
            raise DataError(where, expected=f"a {noun} as a JSON object", found=type(row).__name__, fix="fix the row or set it aside")
        self.rest, self.where, self.noun = dict(row), where, noun

    def take(self, name: str, kind: type | tuple[type, ...], *default: Any) -> Any:
        value = self.rest.pop(name, None)
        if value is None and default:
            return default[0]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            kinds = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
            found = f"field {name!r} is missing" if value is None else f"field {name!r} is {type(value).__name__}"
            raise DataError(self.where, expected=f"{name!r} as {kinds}", found=found, fix="fix the row or run with --skip-bad to set it aside")
        return value

    def finish(self) -> None:
        if self.rest:
            found = "unknown field " + ", ".join(repr(name) for name in self.rest)
            raise DataError(self.where, expected=f"only the fields of a {self.noun}", found=found, fix="put other values under the record's 'meta'")


def _read_lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{path}:{number}", line.rstrip("\n")
    except UnicodeDecodeError as error:
        raise DataError(str(path), expected="UTF-8 text", found=f"byte {error.start} is not UTF-8", fix="convert the file") from None
    except OSError as error:
        raise DataError(str(path), expected="a readable file", found=error.strerror or str(error), fix="check the path") from None


def _parse_line(where: str, line: str) -> Any:
    try:
        return json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(where, expected="one JSON value a line", found=f"text that is not JSON ({error})", fix="fix the row or run with --skip-bad to set it aside") from None
