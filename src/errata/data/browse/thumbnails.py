"""Image files -> small pictures as data URIs. Only images inside the root folder are read."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from errata.errors import DataError
from errata.images import open_image

SMALL_PX = 128
"""Images below this size are shown enlarged with hard pixel edges, as the model sees them."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture as a data URI, its size in pixels, and whether it is small."""

    uri: str
    width: int
    height: int
    small: bool


def build_thumbnail(name: str, root: Path, px: int) -> Thumbnail | None:
    """Read an image below `root` and make its longest side at most `px`; None where it does not open."""
    try:
        picture = open_image(name, root)
    except DataError:
        return None
    small = max(picture.size) < SMALL_PX
    picture.thumbnail((px, px))
    buffer = io.BytesIO()
    if small:
        picture.save(buffer, "PNG")
    else:
        picture.save(buffer, "WEBP", quality=55, method=2)
    media_type = "image/png" if small else "image/webp"
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Thumbnail(f"data:{media_type};base64,{data}", *picture.size, small)
