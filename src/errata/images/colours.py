"""Colours as a screen shows them: embedded profiles (ICC) are turned into sRGB, the colours of every web page."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
"""What profiles call the colours that they are of, and Pillow's mode."""
_NEARLY = 4
"""Steps of 255 that a profile may differ from sRGB and still be taken for it: pictures stay as they are then."""


def convert_colours(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bool]:
    """An image of 8 bits a channel as RGB, and whether its profile changed its colours.

    A profile that is damaged, or of other colours than the picture's, is passed over, as browsers do.
    """
    space, transform = _build_transform(profile) if profile else ("", None)
    if image.mode == "LAB":
        return _convert_lab(image), False
    plain = image.mode if image.mode in ("L", "CMYK") else "RGB"
    if transform is not None and space == "RGB" and plain == "L":
        plain = "RGB"
    source = image if image.mode == plain else image.convert(plain)
    if transform is None or space != plain:
        return source.convert("RGB"), False
    converted = ImageCms.applyTransform(source, transform)
    return (source.convert("RGB"), False) if converted is None else (converted, True)


def _convert_lab(image: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    assert converted is not None  # only of a conversion in place
    return converted


@lru_cache(maxsize=64)
def _build_transform(profile: bytes) -> tuple[str, Any]:
    """The mode that a profile is of, and what turns it into sRGB; None where it is unknown, damaged or sRGB itself."""
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _SPACES[own.profile.xcolor_space.strip()]
        if mode == "LAB":
            return mode, None
        transform = ImageCms.buildTransform(own, ImageCms.createProfile("sRGB"), mode, "RGB")
        return mode, None if mode != "CMYK" and _is_nearly_srgb(transform, mode) else transform
    except (ImageCms.PyCMSError, KeyError, OSError, ValueError, TypeError):
        return "", None


def _is_nearly_srgb(transform: Any, mode: str) -> bool:
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    if mode == "RGB":
        cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
        sample = Image.fromarray(cube)
    else:
        sample = Image.fromarray(steps[None])
    shown = ImageCms.applyTransform(sample, transform)
    return shown is not None and int(np.abs(_read(shown) - _read(sample.convert("RGB"))).max()) <= _NEARLY


def _read(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.int16)
