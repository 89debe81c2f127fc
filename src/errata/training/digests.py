"""What the data of a run hold, in short: the epochs of one run must be of the same."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from errata.data import RECORDS_FILE, DataPart

Data = Path | tuple[DataPart, ...]
"""One file or imported folder, or the parts of a mixture."""


def digest_data(data: Data) -> str | list[str | None] | None:
    """SHA-256 of the file, or of the file of each part; None for one that is not there."""
    return _digest_file(data) if isinstance(data, Path) else [_digest_file(part.path) for part in data]


def find_changed(data: Data, before: Any) -> str | None:
    """The paths whose content is not what `before`, a digest by `digest_data`, says; None where all is as it was."""
    now = digest_data(data)
    if now == before:
        return None
    paths = [data] if isinstance(data, Path) else [part.path for part in data]
    if isinstance(now, list) and isinstance(before, list) and len(now) == len(before):
        paths = [path for path, one, other in zip(paths, now, before, strict=True) if one != other]
    return ", ".join(map(str, paths))


def _digest_file(path: Path) -> str | None:
    file = path / RECORDS_FILE if path.is_dir() else path
    if not file.is_file():  # `datasets` saves a folder of Arrow files
        files = sorted(path.rglob("*.arrow")) if path.is_dir() else []
        return hashlib.sha256("".join(map(_digest, files)).encode()).hexdigest() if files else None
    return _digest(file)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
