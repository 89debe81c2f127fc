"""Image files -> data URIs, so that the page stands alone. Only images inside the run folder are read."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from errata.errors import DataError
from errata.images import open_image

PIXELATED_BELOW_PX = 128
"""Images smaller than this are shown enlarged with hard pixel edges, as the model sees them."""
LARGEST_PX = 640
"""Larger photos are embedded at this size: a page of twenty should still open at once."""


@dataclass(frozen=True, slots=True)
class EmbeddedImage:
    """An image as a data URI; `pixelated` says that it is small and should be enlarged without smoothing."""

    uri: str
    width: int
    height: int
    pixelated: bool


def embed_image(run_folder: Path, name: str) -> EmbeddedImage | None:
    """Embed an image of a run folder.

    Returns:
        None where there is no readable image of that name inside the folder; the page then says so in its place.
    """
    try:
        picture = open_image(name, run_folder)
    except DataError:
        return None
    picture.thumbnail((LARGEST_PX, LARGEST_PX))
    small = max(picture.size) < PIXELATED_BELOW_PX
    buffer = io.BytesIO()
    picture.save(buffer, "PNG" if small else "JPEG", optimize=True)
    uri = embed_bytes(buffer.getvalue(), "image/png" if small else "image/jpeg")
    return EmbeddedImage(uri, *picture.size, small)


def embed_bytes(data: bytes, media_type: str) -> str:
    """The data URI of a file's content."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
