"""What people saw of a picture: 8-bit RGB as viewers show it, whatever Pillow holds.

Every picture goes through `show_picture`, whether it came as a file, as bytes or as an object: training, generation,
judges, thumbnails, duplicates and exports are shown the same pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from errata.errors import DataError
from errata.images.colours import convert_colours
from errata.images.depths import is_deep, picture_from_array, reduce_depth

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By EXIF's orientation, what makes the picture upright."""
_WITH_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture as it is shown.

    Attributes:
        image: RGB without metadata, fully decoded.
        traits: Where a plain reading of the file would give other pixels, or is not all of it: which trait (a kind of
            `findings.FINDING_KINDS`), and what it is.
    """

    image: Image.Image
    traits: Mapping[str, str] = field(default_factory=dict)


def show_picture(picture: Any, where: str) -> ShownPicture:
    """A Pillow image (as it stands, be it opened or made), a NumPy array or a tensor as people see it.

    It is turned as EXIF says, its transparent parts lie on white, its profile (ICC) is applied, more than 8 bits are
    scaled from black to white, and of an animation it is the frame that stands.

    Raises:
        DataError: It begins with `where`: no pixels, or numbers that are no brightness.
    """
    image = picture if isinstance(picture, Image.Image) else picture_from_array(picture, where)
    if not (image.width and image.height):
        found = f"{image.width} x {image.height} pixels"
        raise DataError(where, expected="an image with pixels", found=found, fix="replace the image", code="image")
    stored = find_orientation(image)  # Pillow turns a TIFF while it loads it
    image.load()
    traits = {}
    frames = _count_frames(image)
    if frames > 1 and image.format != "MPO":  # a camera's second view or preview
        traits["animated"] = f"{frames} frames or pages, of which the first is shown"
    eight_bits = image
    if is_deep(image):
        traits["deep"] = f"more than 8 bits a pixel (mode {image.mode}), scaled to 8"
        eight_bits = reduce_depth(image, where)
    alpha = _find_alpha(eight_bits)
    coloured, changed = convert_colours(_drop_alpha(eight_bits), image.info.get("icc_profile"))
    if changed:
        traits["profile"] = "colours of an embedded profile (ICC), shown as sRGB"
    if image.mode == "CMYK":
        traits["cmyk"] = "printing colours (CMYK), shown as RGB"
    if alpha is not None:
        traits["transparent"] = "transparent (alpha), shown on white"
        sheet = Image.new("RGB", coloured.size, "white")
        sheet.paste(coloured, mask=alpha)
        coloured = sheet
    if stored != 1:
        traits["rotated"] = "stored turned or mirrored (EXIF orientation), shown upright"
    turn = _TURNS.get(find_orientation(image))
    shown = coloured if turn is None else coloured.transpose(turn)
    shown.info = {}  # what it said has been done
    return ShownPicture(shown, traits)


def may_differ(image: Image.Image) -> bool:
    """Whether a plain reading of an opened picture could give other pixels, by its header alone."""
    info = image.info
    plain = image.mode in ("1", "L", "P", "RGB") and "transparency" not in info and not info.get("icc_profile")
    return not plain or find_orientation(image) != 1


def find_orientation(image: Image.Image) -> int:
    """EXIF's orientation, from 1 (upright) to 8; a damaged EXIF block is no reason to refuse a picture."""
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # its readers raise almost anything
        return 1
    return found if isinstance(found, int) and found in _TURNS else 1


def _count_frames(image: Image.Image) -> int:
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # of a file that is damaged behind its first frame
        return 1


def _find_alpha(image: Image.Image) -> Image.Image | None:
    """How much of every pixel is there, mode L; None where all of it is."""
    if image.mode not in _WITH_ALPHA and "transparency" not in image.info:
        return None
    alpha = _as_rgba(image).getchannel("A")
    return None if alpha.getextrema() == (255, 255) else alpha


def _drop_alpha(image: Image.Image) -> Image.Image:
    """The colours alone, of a palette too: Pillow guesses those of clear pixels where it is not asked for both."""
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        return Image.fromarray(np.ascontiguousarray(np.asarray(_as_rgba(image))[..., :3]))
    return image


def _as_rgba(image: Image.Image) -> Image.Image:
    return (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
