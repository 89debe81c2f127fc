"""Numbers of any range -> 8 bits a channel: 16-bit and float pictures, NumPy arrays and tensors.

What the numbers mean is read from their type, and where that leaves it open from their range; what fits no reading is
refused, as a guess would show a white or a black sheet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from errata.errors import DataError

_ROUNDING = 0.01
"""How far resampling may overshoot the range 0 to 1."""
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262
"""Tags of a TIFF; of the second, 0 says that white is zero."""


def is_deep(image: Image.Image) -> bool:
    """Whether Pillow holds the picture with more than 8 bits a channel."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def reduce_depth(image: Image.Image, where: str) -> Image.Image:
    """A deep picture as mode L, or as LA where a grey of the file means "nothing here".

    16 bits go from black (0) to white (65535), as viewers show them, and 12 bits of a TIFF to 4095. Raises DataError as
    `scale_to_bytes`.
    """
    tags: Any = getattr(image, "tag_v2", {})
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        bits = tags.get(_BITS_PER_SAMPLE, (16,))[0]
        if tags.get(_PHOTOMETRIC) == 0:
            values = (2**bits - 1) - values
        grey = _divide(values, 2**bits - 1)
    else:
        grey = scale_to_bytes(values, where)
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return Image.fromarray(grey)
    return Image.fromarray(np.dstack([grey, np.where(np.asarray(image) == clear, 0, 255).astype(np.uint8)]), "LA")


def picture_from_array(values: Any, where: str) -> Image.Image:
    """A NumPy array or tensor as a picture: height x width, with or without 1, 2, 3 or 4 channels before or behind.

    Raises:
        DataError: Another shape, or numbers that are no brightness.
    """
    channels_first = hasattr(values, "detach")
    if channels_first:  # a tensor, of a library that this room does not load
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    array = _put_channels_last(np.asarray(values), channels_first)
    if array is None or not array.size:
        found = f"an array of shape {' x '.join(map(str, np.shape(values)))}"
        fix = "pass height x width x 3 (or 3 x height x width), one picture at a time"
        raise DataError(where, expected="the pixels of one picture", found=found, fix=fix)
    eight_bits = scale_to_bytes(array, where)
    mode = _MODES[array.shape[2]] if array.ndim == 3 else "L"
    return Image.fromarray(
        np.ascontiguousarray(eight_bits[..., 0] if eight_bits.shape[2:] == (1,) else eight_bits), mode
    )


def _put_channels_last(array: NDArray[Any], channels_first: bool) -> NDArray[Any] | None:
    """The array as height x width (x channels), where it can be read so."""
    if array.ndim == 2:
        return array
    if array.ndim != 3:
        return None
    first, last = array.shape[0] in _MODES, array.shape[2] in _MODES
    if first and (channels_first or not last):
        return np.moveaxis(array, 0, 2)
    return array if last else None


def scale_to_bytes(values: NDArray[Any], where: str) -> NDArray[np.uint8]:
    """Numbers as 0 to 255.

    Unsigned 16-bit numbers end at 65535. Of other types those within 0 to 1 (floats only), 0 to 255 or 0 to 65535
    (integers only) are read so.

    Raises:
        DataError: They are within none of these, or not finite.
    """
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.uint16:
        return _divide(values, 65535)
    kind, low, high = values.dtype.kind, values.min(initial=0), values.max(initial=0)
    if kind == "f" and low >= -_ROUNDING and high <= 1 + _ROUNDING:
        return _round(values * 255.0)
    if (kind == "f" and low >= -0.5 and 2 < high < 256) or (kind in "iu" and low >= 0 and high <= 255):
        return _round(values)
    if kind in "iu" and low >= 0 and high <= 65535:
        return _divide(values, 65535)
    rule = "0 to 1 or 0 to 255" if kind == "f" else "0 to 255 or 0 to 65535"
    found = (
        f"{values.dtype} numbers from {low:.6g} to {high:.6g}" if kind in "fiu" else f"numbers of type {values.dtype}"
    )
    raise DataError(
        where, expected=f"brightness from {rule}", found=found, fix="save the picture with 8 bits a channel"
    )


def _divide(values: NDArray[Any], top: int) -> NDArray[np.uint8]:
    scaled: NDArray[np.uint8] = ((values.astype(np.int64) * 255 + top // 2) // top).clip(0, 255).astype(np.uint8)
    return scaled


def _round(values: NDArray[Any]) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.rint(values).clip(0, 255).astype(np.uint8)
    return rounded
