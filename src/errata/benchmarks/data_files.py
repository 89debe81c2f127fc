"""Finding official files where several benchmarks share them, and pictures that stand inside a file of questions."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from errata.benchmarks.sources import find_cache
from errata.data import decode_image
from errata.errors import DataError
from errata.records import replacing


def find_file(data: Path | None, name: str, folders: Sequence[str] = ()) -> Path | None:
    """A file of that name in `data`, in one of its `folders`, beside it in one, or in what was fetched for them."""
    places = [] if data is None else [data, *(data / one for one in folders), *(data.parent / one for one in folders)]
    places += [find_cache(f"benchmarks/{one}") for one in folders]
    return next((place / name for place in places if (place / name).is_file()), None)


def require_file(data: Path | None, name: str, folders: Sequence[str], fix: str) -> Path:
    """The same. Raises DataError, which ends with `fix`, where there is none."""
    found = find_file(data, name, folders)
    if found is None:
        raise DataError(f"{data or folders[0]}: {name}", expected="an official file", found="no such file", fix=fix)
    return found


def require_count(path: Path, rows: Sequence[Any], expected: int) -> None:
    """Raise DataError where a file has another number of rows than its release: it is another version of it."""
    if len(rows) != expected:
        fix = "use the released file; a set of your own is measured with --annotations where the benchmark takes them"
        raise DataError(str(path), expected=f"{expected} rows", found=f"{len(rows)} rows", fix=fix)


def read_json(path: Path, kind: type, what: str) -> Any:
    """One JSON value of a kind. Raises DataError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DataError(str(path), expected=what, found=str(error), fix="fetch the file again") from None
    if not isinstance(content, kind):
        raise DataError(str(path), expected=what, found=type(content).__name__, fix="use the file as released")
    return content


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
