"""Files as their authors publish them: where they lie, their rows, and the images that the rows name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from errata.benchmarks.protocol import Setup
from errata.data import resolve_image
from errata.errors import DataError
from errata.records import read_json_lines

Row = dict[str, Any]
Kinds = Mapping[str, type | tuple[type, ...]]


def find_file(setup: Setup, benchmark: str, *names: str) -> Path:
    """The first of a file's names that is in the data folder.

    Raises:
        DataError: None is there.
    """
    for name in names if setup.data is not None else ():
        if (setup.data / name).is_file():  # type: ignore[operator]
            return setup.data / name  # type: ignore[operator]
    fix = f"give the folder that holds it with --data; `errata bench info {benchmark}` says where to get it"
    where = f"{setup.data or benchmark}: {names[0]}"
    raise DataError(where, expected="an official file", found="no such file", fix=fix)


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
        raise DataError(str(path), expected=expected, found=f"{len(rows)} rows", fix=fix)
    return rows


def read_places(path: Path) -> list[tuple[str, Any]]:
    """JSON values, each with its place, of JSON lines or of one JSON array. Raises DataError."""
    if not path.is_file() or path.read_bytes().lstrip()[:1] != b"[":
        return list(read_json_lines(path))
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(str(path), expected="a JSON array", found=str(error), fix="download it again") from None
    return [(f"{path}: row {number}", row) for number, row in enumerate(rows, 1)]


def find_image(setup: Setup, *names: str) -> str:
    """The first of an image's names that is a file, below the image root or in its folder `images`; else the first."""
    places = [place for name in names for place in (name, f"images/{name}")]
    root = setup.image_root or Path()
    return next((place for place in places if resolve_image(place, root).is_file()), names[0])


def _check(row: Any, kinds: Kinds, where: str) -> Row:
    fix = "use the released file, or fix the row"
    if not isinstance(row, dict):
        raise DataError(where, expected="a JSON object", found=type(row).__name__, fix=fix)
    for name, kind in kinds.items():
        if not isinstance(row.get(name), kind):
            found = f"{name!r} is {type(row[name]).__name__}" if name in row else f"no {name!r}"
            raise DataError(where, expected=", ".join(kinds), found=found, fix=fix)
    return row
