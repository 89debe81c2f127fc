"""JSON lines: strict reading with file:line errors, writing that a killed run cannot tear."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from errata.errors import DataError
from errata.storage.files import replacing

MOST_DEEP = 100
"""Lists and objects inside one another; records have six."""


def read_json_lines(path: str | Path, *, nan: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield (`file:line`, value) of every non-blank line. Raises DataError on a line that is not JSON.

    With `nan`, the bare word NaN that Python's `json` and pandas write for a gap is null.
    """
    for where, line in iterate_lines(Path(path)):
        yield where, parse_line(where, line, nan=nan)


def write_json_lines(path: str | Path, rows: Iterable[Any]) -> None:
    """Write one JSON value per line; the file appears whole or not at all.

    Raises:
        DataError: A row that JSON cannot hold: NaN, an infinity, half a surrogate pair.
        StorageError: The place cannot be written.
    """
    with writing_json_lines(path) as write:
        for row in rows:
            write(row)


@contextmanager
def writing_json_lines(path: str | Path) -> Iterator[Callable[[Any], None]]:
    """Give a function that writes one JSON value a line; the file appears when the block ends without an error.

    Several of these can be open at once, each as large as its disk. Raises as `write_json_lines`.
    """
    numbers = count(1)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:

        def write(row: Any) -> None:
            file.write(format_line(f"{path}:{next(numbers)}", row))

        yield write


def write_json_array(path: str | Path, rows: Iterable[Any]) -> None:
    """Write one JSON array with an item on each line, as `write_json_lines` writes lines."""
    lines = (format_line(f"{path}:{number}", row) for number, row in enumerate(rows, 2))
    _write_lines(Path(path), _bracket(lines))


def write_document(path: str | Path, content: dict[str, Any]) -> None:
    """Write one JSON object with a field on each line, and of lists that hold objects an item on each line.

    That is read as easily as an indented file, is half as long, and is written several times as fast: only what has no
    indentation does Python's library write in C.
    """
    write_text(path, _lay_out(content, "") + "\n")


def _lay_out(value: Any, indent: str) -> str:
    if isinstance(value, dict) and value:
        names = [json.dumps(str(name), ensure_ascii=False) for name in value]
        parts = [f"{name}: {_lay_out(part, indent + ' ')}" for name, part in zip(names, value.values(), strict=True)]
        left, right = "{}"
    elif isinstance(value, list) and any(isinstance(part, dict) for part in value):
        parts, (left, right) = [json.dumps(part, ensure_ascii=False) for part in value], "[]"
    else:
        return json.dumps(value, ensure_ascii=False)
    return f"{left}\n" + ",\n".join(f"{indent} {part}" for part in parts) + f"\n{indent}{right}"


def write_text(path: str | Path, text: str) -> None:
    """Write a file through a temporary sibling and rename, so that a kill or a full disk leaves the old one."""
    _write_lines(Path(path), (text,))


def iterate_lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """(`file:line`, bytes) of every non-blank line, without the mark that some editors put at a file's start."""
    try:
        with path.open("rb") as file:
            yield from number_lines(path, file)
    except OSError as error:
        raise DataError(
            str(path), expected="a readable file", found=error.strerror or str(error), fix="check the path", code="file"
        ) from None


def number_lines(path: Path, lines: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """The same of the lines of a file that is open."""
    for number, line in enumerate(lines, 1):
        line = (line.removeprefix(codecs.BOM_UTF8) if number == 1 else line).strip()
        if line:
            yield f"{path}:{number}", line


def parse_line(where: str, line: bytes, *, nan: bool = False) -> Any:
    """One line as a value that can be written again: no NaN, no key twice, no half characters, 64-bit integers.

    With `nan`, NaN is read as null. The value is nested at most `MOST_DEEP` deep, so that whoever walks through it does
    not exhaust the stack.
    """
    try:
        text = _check_text(line.decode("utf-8"))
        value = (_WITH_GAPS if nan else _DECODER).decode(text)
        if text.count("[") + text.count("{") > MOST_DEEP:  # hardly ever, and counting is quick
            _require_shallow(value)
        return value
    except (ValueError, RecursionError) as error:
        reason = f"{error.msg}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise DataError(
            where,
            expected="one JSON value a line, in UTF-8",
            found=f"a line that is not ({reason})",
            fix="fix the row",
            code="encoding" if isinstance(error, UnicodeError) else "json",
        ) from None


def _check_text(line: str) -> str:
    """The line, unless an escape in it is half of a surrogate pair: no file or tokenizer can hold that."""
    if _SURROGATE.search(line):
        json.dumps(json.loads(line), ensure_ascii=False).encode("utf-8")
    return line


def _require_shallow(value: Any) -> None:
    layer = [value]
    for _ in range(MOST_DEEP + 1):
        layer = [item for one in layer if isinstance(one, (dict, list)) for item in _list_items(one)]
    if layer:
        raise ValueError(f"lists and objects more than {MOST_DEEP} deep")


def _list_items(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _parse_int(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**63:
        raise ValueError("an integer of more than 64 bits")
    return int(digits)


def _parse_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:40]} is not a finite number")
    return number


def _collect_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key {next(name for name in names if names.count(name) > 1)!r} twice in one object")
    return values


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_DECODER = json.JSONDecoder(
    object_pairs_hook=_collect_pairs, parse_int=_parse_int, parse_float=_parse_float, parse_constant=_parse_float
)
_WITH_GAPS = json.JSONDecoder(
    object_pairs_hook=_collect_pairs,
    parse_int=_parse_int,
    parse_float=_parse_float,
    parse_constant=lambda word: None if word == "NaN" else _parse_float(word),
)


def format_line(where: str, row: Any) -> str:
    """A value as one line of JSON. Raises DataError that begins with `where` for one that JSON cannot hold."""
    try:
        line = json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
        line.encode("utf-8")
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(
            where, expected="values that JSON can hold", found=str(error), fix="leave the value out or write null"
        ) from None
    return line


def _bracket(lines: Iterator[str]) -> Iterator[str]:
    first = next(lines, "")
    yield "[\n" + first.rstrip("\n")
    for line in lines:
        yield ",\n" + line.rstrip("\n")
    yield "\n]\n"


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)
