"""Files that are read as they lie on disk or as they come out of a compressed one, by the ending of their name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from errata.errors import DataError

ARCHIVES = (".zip", ".tar", ".tgz", ".7z", ".rar", ".xlsx", ".xls", ".pkl", ".pickle", ".pt", ".npz", ".h5", ".hdf5")
"""Endings of what holds several files, or is no text: never taken for JSON."""


def _open_zstd(path: Path) -> IO[bytes]:
    return io.BufferedReader(cast("Any", pa.input_stream(str(path), compression="zstd")))


_OPENERS: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _open_zstd,
}
_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException)


def strip_compression(path: Path) -> Path:
    """The name that a file has when it is unpacked: `a.jsonl.gz` -> `a.jsonl`."""
    return path.with_suffix("") if path.suffix.lower() in _OPENERS else path


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """A file's bytes, unpacked.

    Raises:
        DataError: No such file, an archive, or a compressed file that is damaged, also while it is read.
    """
    if path.suffix.lower() in ARCHIVES:
        fix = "unpack or convert it, and name the file or folder"
        raise DataError(str(path), expected="a file of rows", found=f"a {path.suffix} file", fix=fix)
    opener = _OPENERS.get(path.suffix.lower())
    try:
        with path.open("rb") if opener is None else opener(path) as file:
            yield file
    except DataError:
        raise
    except _DAMAGE as error:
        found = getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0][:200]
        whole = opener is not None and path.is_file()
        expected, fix = (
            ("a whole compressed file", "download it again") if whole else ("a readable file", "check the path")
        )
        raise DataError(str(path), expected=expected, found=found, fix=fix) from None


@contextmanager
def open_text(path: Path) -> Iterator[IO[str]]:
    """The same as text in UTF-8; bytes that are none come in as halves of surrogate pairs."""
    with open_bytes(path) as file:
        yield io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
