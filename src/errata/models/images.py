"""Open image files that a data file names, trusting neither the path nor the bytes."""

from __future__ import annotations

import os
import warnings
from collections import OrderedDict
from pathlib import Path

from PIL import Image, ImageOps
from torch import Tensor

from errata.errors import DataError
from errata.models.protocol import Adapter

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""Formats that are only pixels; PIL also knows some that start other programs."""

MAX_PIXELS = 100_000_000


def open_image(path: str | Path, root: str | Path | None = None) -> Image.Image:
    """Open an image as RGB, turned upright by its EXIF mark; of an animation the first frame.

    Args:
        path: Absolute, or relative to `root`.
        root: The image must lie below this folder by name (links inside the folder are the user's own choice).

    Raises:
        DataError: The path leaves the root, or the file does not exist, is no image, is cut short or is too large.
    """
    place = resolve_image_path(path, root)
    try:
        with warnings.catch_warnings():
            # Our own limit is checked below; a damaged EXIF block is no reason to refuse or to print.
            warnings.simplefilter("ignore")
            with Image.open(place, formats=FORMATS) as image:
                _check_size(image, place)
                image.load()
                return (ImageOps.exif_transpose(image) or image).convert("RGB")
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(
            str(place), expected="an image file", found="no such file", fix="check the path and the image root"
        ) from None
    except Image.DecompressionBombError:
        raise _too_large(place, "more pixels than can be opened safely") from None
    except Exception as error:  # PIL's readers raise nearly any type on damaged bytes
        reason = str(error) or type(error).__name__
        raise DataError(
            str(place),
            expected="a whole image file",
            found=f"it does not open ({reason})",
            fix="replace the file or set the row aside",
        ) from None


def resolve_image_path(path: str | Path, root: str | Path | None) -> Path:
    """The place of an image on disk. Raises DataError when the path leads out of `root`."""
    if root is None:
        return Path(path)
    top = os.path.abspath(root)  # noqa: PTH100 - resolves `..` by name without following links
    place = os.path.abspath(Path(top, path))  # noqa: PTH100
    if place != top and not place.startswith(os.path.join(top, "")):  # noqa: PTH118
        raise DataError(
            str(path),
            expected=f"a path inside the image root {root}",
            found="a path that leads out of it",
            fix="move the image or set another image root",
        )
    return Path(place)


def _check_size(image: Image.Image, place: Path) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(place, f"{image.width} x {image.height} pixels")


def _too_large(place: Path, found: str) -> DataError:
    return DataError(
        str(place),
        expected=f"at most {MAX_PIXELS // 1_000_000} million pixels",
        found=found,
        fix="scale the image down",
    )


class PixelCache:
    """Encoded images by path, so that an image asked about many times is opened once.

    The same path gives the same tensor object; rows use that to run the vision tower once per distinct image.
    The images used longest ago are dropped when `max_mb` is reached.
    """

    def __init__(self, adapter: Adapter, root: str | Path | None = None, *, max_mb: int = 1024) -> None:
        self._adapter, self._root, self._room = adapter, root, max_mb * 2**20
        self._pixels: OrderedDict[str, Tensor] = OrderedDict()
        self._held = 0

    def load(self, path: str) -> Tensor:
        """Pixels `[3, height, width]` of one image. Raises DataError as `open_image` does."""
        pixels = self._pixels.get(path)
        if pixels is not None:
            self._pixels.move_to_end(path)
            return pixels
        pixels = self._adapter.encode_image(open_image(path, self._root))
        self._pixels[path] = pixels
        self._held += pixels.nbytes
        while self._held > self._room and len(self._pixels) > 1:
            self._held -= self._pixels.popitem(last=False)[1].nbytes
        return pixels
