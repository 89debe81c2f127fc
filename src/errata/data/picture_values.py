"""What a picture is called and written as in foreign rows, taken to a form that `ImageStore` knows."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from errata.data.containers import is_empty

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
