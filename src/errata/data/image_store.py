"""Where the pictures of foreign rows go: bytes, paths, links and PIL images become files named by their content.

Fetching a picture that a row names by a web address, where the caller allowed it.

Image files written by threads of their own, since a disk takes longer for a file than a row takes to read.

What a picture is called and written as in foreign rows, taken to a form that `ImageStore` knows.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from PIL import Image

from errata.data.rows import SourceNames, is_empty
from errata.errors import DataError, quote
from errata.images import encode_png, name_image, resolve_image, show_object, store_image, write_image

MAX_BYTES = 64 << 20
"""A larger answer is refused; the largest picture that is read (80 million pixels) takes less as a JPEG."""

TIMEOUT_S = 30


def is_url(text: str) -> bool:
    """Whether a text is a web address."""
    return text[:8].lower().startswith(("http://", "https://"))


def download_image(address: str, where: str) -> bytes:
    """The bytes at a web address. Raises DataError that begins with `where` when they cannot be had."""
    try:
        with urlopen(Request(address, headers={"User-Agent": "errata"}), timeout=TIMEOUT_S) as answer:
            data: bytes = answer.read(MAX_BYTES + 1)
    except (OSError, ValueError, HTTPException) as error:
        host = urlsplit(address).netloc if address.isascii() else address[:80]
        found = f"no answer from {host} ({error})"[:200]
        raise DataError(where, expected="an image at its address", found=found, fix="download it by hand") from None
    if len(data) > MAX_BYTES:
        found = "a larger one"
        raise DataError(where, expected=f"an image of at most {MAX_BYTES >> 20} MB", found=found, fix="make it smaller")
    return data


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


KEYS = ("image", "image_url", "bytes", "base64", "data", "url", "path", "source")
"""Under which an object holds a picture, as servers of models, `datasets` and trainers write it."""

LONGEST_PATH = 4096
"""Characters of a path, as Linux limits it; a longer text is no path."""

_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"BM")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{64}[A-Za-z0-9+/\s]*={0,2}\s*")


def unwrap_picture(picture: Any) -> Any:
    """A picture as `ImageStore.add` takes it: what stands inside an object, and base64 as a `data:` address."""
    if isinstance(picture, Mapping):
        key = next((key for key in KEYS if not is_empty(picture.get(key))), None)
        if key == "bytes" and isinstance(picture["bytes"], bytes):
            return picture
        if key == "path" and set(picture) <= {"bytes", "path"}:
            return picture
        if key is None:
            return None
        value = picture[key]
        if key in ("base64", "data", "bytes") and isinstance(value, str) and not value.startswith("data:"):
            return _build_address(value)
        return unwrap_picture(value)
    if isinstance(picture, str) and picture.startswith("file://"):  # as Qwen-VL's examples name files
        return unquote(picture.removeprefix("file://"))
    return _build_address(picture) if isinstance(picture, str) and is_base64(picture) else picture


def is_base64(text: str) -> bool:
    """Whether a text is a picture's bytes as base64."""
    if len(text) < 64 or _BASE64.match(text[:200]) is None or _BASE64.fullmatch(text) is None:
        return False
    try:
        return base64.b64decode(text[:64]).startswith(_SIGNATURES)
    except (binascii.Error, ValueError):
        return False


def _build_address(text: str) -> str:
    return "data:image/png;base64," + "".join(text.split())  # the content says which format it is


class ImageStore:
    """Turns what a row says about a picture into the path that its record keeps.

    Args:
        folder: Where picture files are written, or None to leave files where they are and keep their paths.
        prefix: Stands before the name of a written file: the way from the record's image root to `folder`.
        root: The folder that paths start in and must not leave; None where rows must hold their pictures, as in a
            table that a stranger wrote.
        trusted: Paths come from the caller, not from a file, and may lead anywhere.
        allow_download: Fetch `http` and `https` links instead of refusing them.
        write: Writes a picture of these bytes, for a row at this place, to `folder` and returns its name; None is
            `store_image`.
        names: Takes what the written pictures were called.
    """

    def __init__(
        self,
        folder: str | Path | None,
        *,
        prefix: str = "",
        root: str | Path | None = None,
        trusted: bool = False,
        allow_download: bool = False,
        write: Callable[[bytes, str], str] | None = None,
        names: SourceNames | None = None,
    ) -> None:
        self.folder, self.root = folder, root
        self._prefix, self._trusted, self._allow_download = prefix, trusted, allow_download
        self._write, self._names = write, names

    def add(self, picture: Any, where: str) -> str:
        """The path of a picture given as bytes, path, `data:` or web address, base64, PIL image, NumPy array or tensor,
        or an object of these.

        Raises:
            DataError: It begins with `where`: no picture, one outside the root, a broken one, or a refused address.
            StorageError: The folder cannot be written.
        """
        called = picture.get("path") if isinstance(picture, Mapping) else picture
        picture = unwrap_picture(picture)
        if isinstance(picture, Mapping):
            picture = picture.get("bytes") or picture.get("path")
        inside = isinstance(picture, str) and picture.startswith("data:")
        if isinstance(picture, str) and len(picture) > LONGEST_PATH and not inside:
            found = f"a text of {len(picture):,} characters that is no base64 of a picture"
            raise DataError(where, expected="an image's path, or its bytes in the row", found=found, fix="fix the row")
        if self.folder is None and isinstance(picture, str) and picture and not is_url(picture) and not inside:
            return self._keep(picture, where)
        data = self._read(picture, where)
        if self.folder is None:
            fix = "run `errata data import` on the file first"
            raise DataError(where, expected="an image's path", found="an image inside the row", fix=fix)
        name = store_image(data, self.folder, where) if self._write is None else self._write(data, where)
        if self._names is not None:
            self._names.add(self._prefix + name, called)
        return self._prefix + name

    def _keep(self, path: str, where: str) -> str:
        self._find(path, where)
        return path

    def _read(self, picture: Any, where: str) -> bytes:
        """The file's bytes; pixels without a file behind them are written as PNG, as viewers show them."""
        if isinstance(picture, bytes) and picture:
            return picture
        if isinstance(picture, Image.Image) or hasattr(picture, "__array__"):  # of NumPy, or a tensor
            return encode_png(show_object(picture, where), compress_level=1)
        if isinstance(picture, str) and is_url(picture):
            return self._fetch(picture, where)
        if isinstance(picture, str) and picture.startswith("data:image/"):
            return _decode_address(picture, where)
        if isinstance(picture, (str, Path)) and str(picture):
            return self._read_file(str(picture), where)
        found = "none" if picture is None else f"{type(picture).__name__} {quote(picture)}"
        raise DataError(where, expected="an image's path, or its bytes in the row", found=found, fix="fix the row")

    def _read_file(self, path: str, where: str) -> bytes:
        file = self._find(path, where)
        try:
            return file.read_bytes()
        except OSError as error:
            found = error.strerror or str(error)
            fix = "check the path, and --image-root, the folder that paths start in"
            raise DataError(
                f"{where}: {path}", expected="a readable image", found=found, fix=fix, code="image"
            ) from None

    def _find(self, path: str, where: str) -> Path:
        if self.root is None and not self._trusted:
            fix = "write the file with its images embedded, or give the folder that paths start in as --image-root"
            raise DataError(where, expected="the image's bytes in the row", found=quote(path), fix=fix)
        try:
            return resolve_image(path, self.root)
        except DataError as error:
            raise error.within(where) from None

    def _fetch(self, address: str, where: str) -> bytes:
        if not self._allow_download:
            fix = "download the images and name their files, or run with --allow-download"
            raise DataError(
                where, expected="an image file", found=f"a web address, {address[:80]}", fix=fix, code="image"
            )
        return download_image(address, where)


def _decode_address(address: str, where: str) -> bytes:
    """The bytes of `data:image/png;base64,…`."""
    try:
        return base64.b64decode(address.partition(",")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError(
            where, expected="base64 in a data: address", found=str(error), fix="fix the row", code="image"
        ) from None
