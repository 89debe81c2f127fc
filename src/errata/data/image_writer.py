"""Image files written by threads of their own, since a disk takes longer for a file than a row takes to read."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from errata.images import name_image, write_image

THREADS = 2
WAITING = 32
"""Files that may wait for the disk; their bytes are held that long."""


class ImageWriter:
    """Stores pictures as `images.store_image` does, and returns before they are written.

    Used in a `with` block; `finish` says whether all of them are there.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="images")
        self._waiting: OrderedDict[str, Future[None]] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)

    def store(self, data: bytes, where: str) -> str:
        """The file name of a picture that will be written, if it is not there yet.

        Raises:
            DataError: As `images.check_image`.
            StorageError: An earlier one could not be written.
        """
        name = name_image(data, where)
        if name not in self._waiting and not (self._folder / name).is_file():
            while len(self._waiting) >= WAITING:
                self._waiting.popitem(last=False)[1].result()
            self._waiting[name] = self._threads.submit(write_image, self._folder / name, data)
        return name

    def finish(self) -> None:
        """Wait for the files. Raises StorageError when one could not be written."""
        while self._waiting:
            self._waiting.popitem(last=False)[1].result()
