"""Writing so that a kill or a full disk leaves the old file or none, and says so in four parts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from errata.errors import ErrataError, StorageError


@contextmanager
def storing(path: str | Path) -> Iterator[None]:
    """Turn what the system says about a place that is being written into StorageError."""
    try:
        yield
    except OSError as error:
        if isinstance(error, ErrataError):
            raise
        raise StorageError.from_system(path, error) from error


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary sibling to write, which takes the place of `path` if the block ends without an error.

    A link stays a link. A pipe or a device is written as it is: taking its place would destroy it.

    Raises:
        StorageError: The place cannot be written. Nothing half-written is left, and an old file stays as it was.
    """
    with storing(path):
        place = Path(path).resolve()
        if place.exists() and not place.is_file():
            yield place
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = place.with_name(place.name + ".tmp")
        try:
            yield temporary
            temporary.replace(place)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: str | Path) -> Iterator[Path]:
    """An empty temporary sibling to fill, which becomes the folder `path` if the block ends without an error.

    Raises:
        StorageError: The place cannot be written. Nothing half-written is left.
    """
    with storing(path):
        place = Path(path).resolve()
        temporary = place.with_name(place.name + ".tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            if place.exists():
                shutil.rmtree(place)
            temporary.replace(place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def remove_file(path: str | Path) -> None:
    """Remove a file of an earlier run, if it is there; a folder, pipe or device stays. Raises StorageError."""
    with storing(path):
        if Path(path).is_file():
            Path(path).unlink()
