"""Which kinds of picture files are read, and the name of one that is not: a HEIC is no damaged JPEG."""

from __future__ import annotations

from PIL import features

ENDINGS = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tif",
    **({"AVIF": "avif"} if features.check("avif") else {}),
}
"""Pillow's names of the formats that are read, and their file endings; formats that start other programs are not."""

FORMATS = [name for name in ENDINGS if name != "MPO"]  # stereo photos open as JPEG and then change their name

HEAD = 512
"""Bytes of a file that tell its kind."""

_STARTS = {
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript document",
    b"8BPS": "a Photoshop document (PSD)",
    b"\xff\x0a": "a JPEG XL picture",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL picture",
    b"\x00\x00\x00\x0cjP  ": "a JPEG 2000 picture",
    b"\xff\x4f\xff\x51": "a JPEG 2000 picture",
    b"\x00\x00\x01\x00": "an icon (ICO)",
    b"\x76\x2f\x31\x01": "an OpenEXR picture",
    b"\x93NUMPY": "a NumPy array",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"version https://git-lfs": "a Git LFS pointer, not the file that it stands for",
    **{f"P{number}".encode() + blank: "a PNM picture" for number in range(1, 8) for blank in (b"\n", b" ")},
}
_MARKUP = {b"<svg": "an SVG drawing", b"<!doctype html": "a web page", b"<html": "a web page"}
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "a HEIC picture"),
    **dict.fromkeys((b"avif", b"avis"), "an AVIF picture, which this Pillow cannot read"),
}


def name_kind(head: bytes) -> str | None:
    """What a file is that begins with these bytes and is not read; None where that cannot be told."""
    if not head:
        return "an empty file"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "a video")
    found = next((name for start, name in _STARTS.items() if head.startswith(start)), None)
    if found is not None:
        return found
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<?xml", b"<!--", b"<!doctype svg")):
        return _MARKUP[b"<svg"] if b"<svg" in text or b"svg" in text[:200] else "an XML document"
    return next((name for start, name in _MARKUP.items() if text.startswith(start)), None)
