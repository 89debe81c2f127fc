"""Where a benchmark's official files are, and bringing them there.

A pinned checksum stands only for bytes that were tested. Of other files the first fetch records the checksum in
`fetched.json`, and a later one must bring the same; their number of rows is checked where it is known.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from errata.benchmarks.card import Card, Remote
from errata.errors import DataError, count_noun
from errata.records import remove_file, replacing, write_text

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
