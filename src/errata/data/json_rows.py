"""A JSON file row by row with the line that each row begins on, whether it holds JSON lines or one array."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from errata.errors import DataError
from errata.records.lines import iterate_lines

_BLANKS = re.compile(r"[ \t\n\r]*")


def iterate_json_rows(path: str | Path) -> Iterator[tuple[str, bytes]]:
    """(`file:line`, text) of every line, or of every item of one array where the file is no `.jsonl`.

    The texts are not checked yet; `parse_line` does that.

    Raises:
        DataError: No such file, or an array that is not JSON from some line on.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            is_array = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["
    except OSError as error:
        raise DataError(
            str(path), expected="a readable file", found=error.strerror or str(error), fix="check the path"
        ) from None
    yield from _split_array(path) if is_array and path.suffix != ".jsonl" else iterate_lines(path)


def _split_array(path: Path) -> Iterator[tuple[str, bytes]]:
    """Items are found one after another: a file of a million rows is never held as objects."""
    text, line, counted = _read_text(path), 1, 0
    place = _skip_blanks(text, text.index("[") + 1)
    while text[place : place + 1] != "]":
        line, counted = line + text.count("\n", counted, place), place
        end = _find_end(text, place, f"{path}:{line}")
        yield f"{path}:{line}", text[place:end].encode()
        place = _skip_blanks(text, end)
        if text[place : place + 1] == ",":
            place = _skip_blanks(text, place + 1)
        elif text[place : place + 1] != "]":
            raise _broken(f"{path}:{line}", "something else than a comma or ] behind the item that begins here")


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _broken(str(path), f"bytes that are not ({error.reason}, at byte {error.start})") from None


def _find_end(text: str, place: int, where: str) -> int:
    try:
        return json.JSONDecoder().raw_decode(text, place)[1]
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise _broken(where, f"an item that is not ({reason})") from None


def _skip_blanks(text: str, place: int) -> int:
    match = _BLANKS.match(text, place)
    return match.end() if match else place


def _broken(where: str, found: str) -> DataError:
    fix = "repair the file or download it again; what follows such a place cannot be read"
    return DataError(where, expected="one JSON array of rows, in UTF-8", found=found, fix=fix)
