"""Where the pictures of foreign rows go: bytes, paths, links and PIL images become files named by their content."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from errata.data.download import download_image, is_url
from errata.data.picture_values import LONGEST_PATH, unwrap_picture
from errata.data.source_names import SourceNames
from errata.errors import DataError, quote
from errata.images import encode_png, resolve_image, show_object, store_image


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
