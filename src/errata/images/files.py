"""Opening, checking and storing image files that strangers wrote.

A path must stay below its root folder, a picture must be small enough to hold and complete. Every picture passes
through `shown.show_picture`, so that a model sees what an annotator saw.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path
from threading import get_native_id
from typing import IO, Any

from PIL import Image

from errata.errors import DataError
from errata.images.ends import is_whole
from errata.images.kinds import ENDINGS, FORMATS, HEAD, name_kind
from errata.images.shown import ShownPicture, may_differ, show_picture
from errata.storage import find_file, storing

MAX_PIXELS = 80_000_000
"""Above this a picture is refused before it is decoded (80 million pixels take 240 MB); Pillow warns at 89 million."""


_KINDS = ", ".join(sorted(set(ENDINGS.values())))


def open_image(path: str | Path, root: str | Path | None = None, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Open one picture as RGB, fully decoded, as viewers show it (see `shown.show_picture`).

    Args:
        path: Relative to `root`, or absolute.
        root: The folder that the picture must lie in; None takes `path` as it is.
        max_pixels: Width times height above which it is refused.

    Raises:
        DataError: It leaves the root, does not exist, is not a picture, is cut off or too large.
    """
    return show_file(path, root, max_pixels=max_pixels).image


def show_file(path: str | Path, root: str | Path | None = None, *, max_pixels: int = MAX_PIXELS) -> ShownPicture:
    """As `open_image`, with what makes the file's picture differ from its plain pixels."""
    file = resolve_image(path, root)
    try:
        with file.open("rb") as stream:
            return _decode(stream, str(path), max_pixels)
    except OSError as error:
        starts = root is not None and not Path(path).is_absolute()
        fix = f"check the path and the image root {root}" if starts else "check the file"
        raise DataError(
            str(path), expected="a readable image", found=error.strerror or str(error), fix=fix, code="image"
        ) from None


def decode_image(data: bytes, where: str, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a picture from its file's bytes as RGB. Raises DataError that begins with `where`."""
    return _decode(io.BytesIO(data), where, max_pixels).image


def show_object(picture: Any, where: str) -> Image.Image:
    """As `open_image`, of a Pillow image, a NumPy array or a tensor. Raises DataError that begins with `where`."""
    if type(picture) is Image.Image and picture.mode == "RGB" and not picture.info and all(picture.size):
        return picture  # as `show_picture` left it
    try:
        return show_picture(picture, where).image
    except DataError:
        raise
    except Exception as error:  # as in _decode: a Pillow image may not be decoded yet
        raise DataError(
            where, expected="an image that opens", found=_reason(error), fix="replace the image", code="image"
        ) from None


def encode_png(image: Image.Image, *, compress_level: int = 6) -> bytes:
    """A picture as a PNG file, which loses nothing."""
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=compress_level)
    return stream.getvalue()


def encode_plainly(data: bytes, where: str) -> bytes:
    """The file's bytes where any program reads from them what viewers show, else a PNG of that.

    Raises:
        DataError: As `check_image`.
    """
    check_image(data, where)
    with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        warnings.simplefilter("ignore")  # as in _decode
        if not may_differ(image):
            return data
    shown = _decode(io.BytesIO(data), where, MAX_PIXELS)
    return encode_png(shown.image) if shown.traits.keys() - {"animated"} else data


def resolve_image(path: str | Path, root: str | Path | None) -> Path:
    """The file that `path` names below `root`. Raises DataError when it, or a link on the way, leads outside."""
    if "\0" in str(path):
        raise DataError(
            repr(path), expected="an image path", found="a null character", fix="fix the path", code="field"
        )
    if root is None:
        return find_file(path)
    base = find_file(Path(root).resolve()).resolve()
    file = find_file((base / path).resolve()).resolve()
    if not file.is_relative_to(base):
        raise DataError(
            str(path),
            expected=f"an image inside {root}",
            found=f"it leads to {file}" if not Path(path).is_absolute() else "an absolute path outside",
            fix="copy it there, or give a folder that holds all images as --image-root",
            code="image",
        )
    return file


def store_image(data: bytes, folder: str | Path, where: str) -> str:
    """Write an image file's bytes under a name made of their SHA-256, once, and return the name.

    Raises:
        DataError: As `check_image`; nothing is written.
        StorageError: The folder cannot be written.
    """
    name = name_image(data, where)
    target = Path(folder) / name
    if not target.is_file():
        write_image(target, data)
    return name


def name_image(data: bytes, where: str) -> str:
    """The file name of a picture, made of its content. Raises DataError as `check_image`."""
    ending = check_image(data, where)
    return f"{hashlib.sha256(data).hexdigest()[:32]}.{ending}"


def write_image(target: Path, data: bytes) -> None:
    """As `replacing`, with fewer looks at the disk: there may be a hundred thousand of them, and none is a link."""
    temporary = target.with_name(f".{get_native_id()}.tmp")  # of this thread alone, in any process
    with storing(target):
        try:
            temporary.write_bytes(data)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(data)
        temporary.replace(target)


def check_image(data: bytes, where: str, *, max_pixels: int = MAX_PIXELS) -> str:
    """The file ending of a picture that is whole and small enough, by its header and its end; no pixel is decoded.

    A file whose end is not where its format says is decoded to see: many an odd file opens all the same.

    Raises:
        DataError: It begins with `where`: not a picture, too large, or cut off.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in _decode
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _require_size(image, where, max_pixels)
                kind = image.format or "PNG"
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(where, "many times as many", max_pixels) from None
    except Exception as error:  # as in _decode
        raise _broken(where, error, data[:HEAD]) from None
    if not is_whole(data, kind):
        decode_image(data, where, max_pixels=max_pixels)
    return ENDINGS[kind]


def _decode(stream: IO[bytes], where: str, max_pixels: int) -> ShownPicture:
    try:
        with warnings.catch_warnings():
            # Pillow's limit comes after ours; a damaged EXIF block is no reason to refuse or to print.
            warnings.simplefilter("ignore")
            with Image.open(stream, formats=FORMATS) as image:
                _require_size(image, where, max_pixels)
                return show_picture(image, where)
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(where, "many times as many", max_pixels) from None
    except Exception as error:  # decoders raise almost anything on a damaged file
        stream.seek(0)
        raise _broken(where, error, stream.read(HEAD)) from None


def _broken(where: str, error: Exception, head: bytes) -> DataError:
    """What a decoder complained about, or the name of what was taken for a picture."""
    kind = name_kind(head)
    if kind is not None:
        fix = "put the picture itself there, as JPEG or PNG"
        return DataError(where, expected=f"a picture in {_KINDS}", found=kind, fix=fix, code="image")
    return DataError(where, expected="an image that opens", found=_reason(error), fix="replace the image", code="image")


def _require_size(image: Image.Image, where: str, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise _too_large(where, f"{image.width} x {image.height}", max_pixels)


def _too_large(where: str, found: str, max_pixels: int) -> DataError:
    return DataError(
        where, expected=f"at most {max_pixels} pixels", found=found, fix="make the image smaller", code="image"
    )


def _reason(error: Exception) -> str:
    """What a decoder complained about, without addresses of objects."""
    text = str(error)
    if "cannot identify" in text:
        return f"not a picture in {_KINDS}"
    return text or type(error).__name__
