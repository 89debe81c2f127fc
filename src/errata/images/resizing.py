"""Pictures within a number of pixels: what `max_pixels` and `min_pixels` mean wherever a picture is handed on."""

from __future__ import annotations

import math

from PIL import Image

from errata.errors import DataError

MAX_RATIO = 200
"""Of the longer side to the shorter, as Qwen's processors have it; others would make a picture of gigabytes of it."""


def require_proportions(image: Image.Image, where: str = "image") -> None:
    """Raise DataError for a picture that is too long or too flat for any model; `where` begins the error."""
    if max(image.size) > MAX_RATIO * min(image.size):
        raise DataError(
            where,
            expected=f"a longer side of at most {MAX_RATIO} times the shorter one",
            found=f"{image.width} x {image.height} pixels",
            fix="crop or enlarge the image, or set the row aside",
        )


def fit_pixels(image: Image.Image, max_pixels: int | None = None, min_pixels: int | None = None) -> Image.Image:
    """The picture in its own proportions, made smaller or larger where width times height is outside the limits."""
    return resize_to(image, fit_size(image.size, max_pixels, min_pixels))


def fit_size(size: tuple[int, int], max_pixels: int | None = None, min_pixels: int | None = None) -> tuple[int, int]:
    """(width, height) within the limits, nearest to `size`; above all not more than `max_pixels`."""
    width, height = size
    if max_pixels is not None and width * height > max_pixels:
        shrink = math.sqrt(max_pixels / (width * height))
        width, height = max(1, math.floor(width * shrink)), max(1, math.floor(height * shrink))
        return (min(width, max_pixels), 1) if height == 1 else (width, min(height, max(1, max_pixels // width)))
    if min_pixels is not None and width * height < min_pixels:
        grow = math.sqrt(min_pixels / (width * height))
        return math.ceil(width * grow), math.ceil(height * grow)
    return size


def resize_to(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture at this size; itself where it has it."""
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
