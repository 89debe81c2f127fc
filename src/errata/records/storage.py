"""Writing so that a kill or a full disk leaves the old file or none, and says so in four parts."""

from __future__ import annotations

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

    Raises:
        StorageError: The place cannot be written. Nothing half-written is left, and an old file stays as it was.
    """
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
