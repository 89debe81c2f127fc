"""Files as their authors publish them: where they lie, their rows, and the images that the rows name or hold."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from errata.benchmarks.protocol import Setup
from errata.benchmarks.sources import find_cache
from errata.errors import DataError, count_noun
from errata.images import decode_image, resolve_image
from errata.records import read_json_lines, replacing

Row = dict[str, Any]
Kinds = Mapping[str, type | tuple[type, ...]]


def find_file(data: Path | None, *names: str, folders: Sequence[str] = ()) -> Path | None:
    """The first of a file's names that is there; None where none is.

    Args:
        data: The folder of official files; None where there is none.
        names: What the file is called in different releases.
        folders: Where else it may lie: inside `data`, beside it, or fetched for the benchmark of that name.
    """
    places = [] if data is None else [data, *(data / one for one in folders), *(data.parent / one for one in folders)]
    places += [find_cache(f"benchmarks/{one}") for one in folders]
    return next((place / name for name in names for place in places if (place / name).is_file()), None)


def require_file(data: Path | None, benchmark: str, *names: str, folders: Sequence[str] = (), fix: str = "") -> Path:
    """The same. Raises DataError where there is none; `fix` stands for the usual advice."""
    found = find_file(data, *names, folders=folders)
    if found is None:
        where = f"{data or benchmark}: {names[0]}"
        usual = f"give the folder that holds it with --data; `errata bench info {benchmark}` says where to get it"
        raise DataError(where, expected="an official file", found="no such file", fix=fix or usual, code="file")
    return found


def read_rows(path: Path, kinds: Kinds, *, count: Sequence[int] = ()) -> list[tuple[str, Row]]:
    """The rows of a file, JSON lines or one JSON array, each with its place.

    Args:
        path: The file.
        kinds: Fields that every row has, and their types.
        count: How many rows are right; empty where any number is.

    Raises:
        DataError: No JSON, a row without one of the fields, or another number of rows.
    """
    rows = [(where, _check(row, kinds, where)) for where, row in read_places(path)]
    if count and len(rows) not in count:
        expected = " or ".join(map(str, count)) + " rows"
        fix = "get the released file again; another vintage has other questions"
        raise DataError(str(path), expected=expected, found=count_noun(len(rows), "row"), fix=fix)
    return rows


def read_places(path: Path) -> list[tuple[str, Any]]:
    """JSON values, each with its place, of JSON lines or of one JSON array. Raises DataError."""
    if not path.is_file() or path.read_bytes().lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"[":
        return list(read_json_lines(path))
    rows = read_json(path, list, "a JSON array")
    return [(f"{path}: row {number}", row) for number, row in enumerate(rows, 1)]


def read_json(path: Path, kind: type, what: str) -> Any:
    """One JSON value of a kind. Raises DataError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DataError(str(path), expected=what, found=str(error), fix="download it again") from None
    if not isinstance(content, kind):
        raise DataError(str(path), expected=what, found=type(content).__name__, fix="use the released file")
    return content


def find_image(setup: Setup, *names: str) -> str:
    """The first of an image's names that is a file, below the image root or in its folder `images`; else the first."""
    places = [place for name in names for place in (name, f"images/{name}")]
    root = setup.image_root or Path()
    return next((place for place in places if resolve_image(place, root).is_file()), names[0])


def unpack_image(encoded: str, target: Path, where: str) -> None:
    """Write a picture that stands as base64 in a row, unless it is there.

    Raises:
        DataError: It begins with `where`: the text is no base64 or no picture.
        StorageError: The folder cannot be written.
    """
    if target.is_file():
        return
    try:
        data = base64.b64decode(encoded.rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError(where, expected="an image as base64", found=str(error), fix="fetch the file again") from None
    decode_image(data, where)
    with replacing(target) as temporary:
        temporary.write_bytes(data)


def _check(row: Any, kinds: Kinds, where: str) -> Row:
    fix = "use the released file, or fix the row"
    if not isinstance(row, dict):
        raise DataError(where, expected="a JSON object", found=type(row).__name__, fix=fix)
    for name, kind in kinds.items():
        if not isinstance(row.get(name), kind):
            found = f"{name!r} is {type(row[name]).__name__}" if name in row else f"no {name!r}"
            raise DataError(where, expected=", ".join(kinds), found=found, fix=fix)
    return row
