"""Whether an image file goes to its end, seen without decoding it."""

from __future__ import annotations

import zlib
from collections.abc import Callable

_PNG_HEAD = 8
_JPEG_TAIL = 64
"""Bytes after a JPEG's end mark that writers add; cameras add more, and such files are decoded to see."""


def is_whole(data: bytes, kind: str) -> bool:
    """Whether a file of Pillow's format `kind` surely goes to its end; False where that cannot be told this way."""
    check = _CHECKS.get(kind)
    return check is not None and check(data)


def _is_whole_jpeg(data: bytes) -> bool:
    """The end mark stands last: it cannot occur inside compressed pixels, where every 0xff is followed by 0."""
    return b"\xff\xd9" in data[-_JPEG_TAIL:]


def _is_whole_png(data: bytes) -> bool:
    """Every chunk is there with the checksum that it says, up to the last one."""
    place = _PNG_HEAD
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        end = place + 12 + length
        if end > len(data) or zlib.crc32(data[place + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            return False
        if data[place + 4 : place + 8] == b"IEND":
            return True
        place = end
    return False


def _is_whole_webp(data: bytes) -> bool:
    return len(data) >= 8 + int.from_bytes(data[4:8], "little")


def _is_whole_bmp(data: bytes) -> bool:
    return len(data) >= int.from_bytes(data[2:6], "little") > 0


_CHECKS: dict[str, Callable[[bytes], bool]] = {
    "JPEG": _is_whole_jpeg,
    "PNG": _is_whole_png,
    "WEBP": _is_whole_webp,
    "BMP": _is_whole_bmp,
}
"""MPO, GIF and TIFF are decoded to see: they are rare, and their ends are found only by going through them."""
