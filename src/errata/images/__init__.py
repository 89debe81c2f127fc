"""Pictures without models: what is shown of a file, where it is stored, and how large it may be.

In: image files, bytes, what libraries hold as a picture, and settings that bound its size. Out: pictures as their
viewer would show them (turned, in sRGB, without alpha), files stored under their digest, pictures of another size or
spoilt on purpose. What a record or a format says about its pictures belongs to `data`, what a model makes of them to
`models`.
"""

from errata.images.corruption import CorruptionRule, corrupt_image
from errata.images.files import (
    MAX_PIXELS,
    check_image,
    decode_image,
    encode_plainly,
    encode_png,
    name_image,
    open_image,
    resolve_image,
    show_file,
    show_object,
    store_image,
    write_image,
)
from errata.images.kinds import ENDINGS
from errata.images.limits import LIMITS, ImageMode, check_limits
from errata.images.resizing import fit_pixels, require_proportions, resize_to

__all__ = [
    "ENDINGS",
    "LIMITS",
    "MAX_PIXELS",
    "CorruptionRule",
    "ImageMode",
    "check_image",
    "check_limits",
    "corrupt_image",
    "decode_image",
    "encode_plainly",
    "encode_png",
    "fit_pixels",
    "name_image",
    "open_image",
    "require_proportions",
    "resize_to",
    "resolve_image",
    "show_file",
    "show_object",
    "store_image",
    "write_image",
]
