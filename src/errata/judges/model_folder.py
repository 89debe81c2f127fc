"""Where the files of a model lie on this machine, and a digest of what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

HASHED_WHOLE = 2**20
"""Larger files are told apart by their ends and their size; training changes all weights."""


def find_model_folder(name: str) -> Path | None:
    """Where a model's files are: the folder itself, or the snapshot of a Hub model; None where there is neither."""
    if Path(name).is_dir():
        return Path(name)
    look_up = build_cache_look_up()
    with suppress(ValueError):  # not of the form that a repository's name has
        for file in ("config.json", "adapter_config.json"):
            found = look_up(name, file)
            if isinstance(found, str):
                return Path(found).parent
    return None


def hash_folder(folder: Path) -> str:
    """Sixteen digits of the names, sizes and contents of a folder's files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(HASHED_WHOLE))
            if size > HASHED_WHOLE:
                file.seek(-HASHED_WHOLE, 2)
                digest.update(file.read())
    return digest.hexdigest()[:16]


def build_cache_look_up() -> Callable[[str, str], object]:
    """The Hub library's own look-up of a cached file; imported here, as a folder needs none of it and it is slow."""
    from huggingface_hub import try_to_load_from_cache

    return try_to_load_from_cache
