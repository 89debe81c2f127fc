"""Files as their authors publish them: where they lie, their rows, and the images that the rows name or hold.

Where a benchmark's official files are, and bringing them there.

A pinned checksum stands only for bytes that were tested. Of other files the first fetch records the checksum in
`fetched.json`, and a later one must bring the same; their number of rows is checked where it is known.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from errata.benchmarks.protocol import Card, Remote, Setup
from errata.errors import DataError, count_noun
from errata.images import decode_image, resolve_image
from errata.storage import read_json_lines, remove_file, replacing, write_text

LEDGER = "fetched.json"
TIMEOUT_S = 60
_BLOCK = 1 << 20


def find_cache(name: str) -> Path:
    """A place in the cache, such as `benchmarks/pope`: below $ERRATA_CACHE, else below ~/.cache/errata."""
    root = os.environ.get("ERRATA_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "errata") / name


def find_data(name: str, given: Path | None) -> Path | None:
    """The folder of a benchmark's files: inside the given one, the given one itself, or what was fetched; or None."""
    if given is not None:
        if not given.is_dir():
            raise DataError(str(given), expected="a folder of official files", found="none", fix="check --data")
        return given / name if (given / name).is_dir() else given
    cache = find_cache(f"benchmarks/{name}")
    return cache if cache.is_dir() and any(cache.iterdir()) else None


def fetch_data(
    card: Card, folder: str | Path, *, on_progress: Callable[[str, int, int], None] | None = None
) -> list[Path]:
    """Bring what is not there yet.

    Args:
        card: Of the benchmark.
        folder: Gets the files and `fetched.json`.
        on_progress: Called with (file, bytes so far, bytes in all or 0).

    Returns:
        The files, those that were there already too.

    Raises:
        DataError: An address that does not answer, bytes that are not those expected, or a wrong number of rows.
        StorageError: The folder cannot be written.
    """
    folder = Path(folder)
    ledger = _read_ledger(folder)
    found: list[Path] = []
    for remote in card.remotes:
        wanted = [folder / name for name in remote.members or (remote.name,)]
        if remote.name not in ledger or not all(path.is_file() for path in wanted):
            found_sum = _fetch(remote, folder, ledger.get(remote.name, {}).get("sha256"), on_progress)
            ledger[remote.name] = {"url": remote.url, "sha256": found_sum}
            write_text(folder / LEDGER, json.dumps(ledger, indent=1) + "\n")
        found += wanted
    return found


def _read_ledger(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / LEDGER).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _fetch(
    remote: Remote, folder: Path, recorded: str | None, on_progress: Callable[[str, int, int], None] | None
) -> str:
    """Download, check, and put in place; returns the SHA-256."""
    path = folder / remote.name
    with replacing(path) as temporary:
        found = _download(remote, temporary, on_progress)
        expected = remote.sha256 or recorded
        if expected not in (None, found):
            whose = "the tested file" if remote.sha256 else f"the first fetch ({LEDGER})"
            fix = "the address holds something else now; give the files you mean with --data DIR"
            raise DataError(remote.url, expected=f"the bytes of {whose}, {expected[:12]}…", found=found[:12], fix=fix)
        _require_rows(remote, temporary)
    if remote.members:
        _unpack(remote, path, folder)
        remove_file(path)
    return found


def _download(remote: Remote, target: Path, on_progress: Callable[[str, int, int], None] | None) -> str:
    digest, done = hashlib.sha256(), 0
    try:
        with urllib.request.urlopen(remote.url, timeout=TIMEOUT_S) as reply, target.open("wb") as file:
            total = int(reply.headers.get("Content-Length") or 0)
            while block := reply.read(_BLOCK):
                file.write(block)
                digest.update(block)
                done += len(block)
                if on_progress is not None:
                    on_progress(remote.name, done, total)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        fix = "try again later, or give a folder that holds the file with --data DIR"
        raise DataError(remote.url, expected="the official file", found=str(error), fix=fix) from None
    if total and done < total:
        found = f"{done} of {total} bytes"
        raise DataError(remote.url, expected="the whole file", found=found, fix="give the same command again")
    return digest.hexdigest()


def _require_rows(remote: Remote, path: Path) -> None:
    if not remote.rows:
        return
    count = sum(1 for line in path.read_bytes().splitlines() if line.strip())
    if count not in remote.rows:
        expected = " or ".join(map(str, remote.rows)) + " rows"
        fix = "the address holds something else now; give the file you mean with --data DIR"
        raise DataError(remote.url, expected=expected, found=count_noun(count, "row"), fix=fix)


def _unpack(remote: Remote, path: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            inside = {PurePosixPath(name).name: name for name in archive.namelist()}
            for member in remote.members:
                with (
                    archive.open(inside[member]) as source,
                    replacing(folder / member) as temporary,
                    temporary.open("wb") as target,
                ):
                    shutil.copyfileobj(source, target, _BLOCK)
    except (KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            remote.url, expected=f"an archive with {', '.join(remote.members)}", found=str(error), fix="use --data DIR"
        ) from None


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
