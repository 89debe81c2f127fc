"""What makes two image files one picture: their bytes, or how they look.

What a file name or an id says about which published picture it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

import numpy as np
from PIL import Image

from errata.errors import DataError
from errata.images import open_image

LOOK_BITS = 128
"""Bits of `hash_look`: 64 of a dHash (which neighbour is brighter), 64 of a pHash (the lowest frequencies)."""

LOOK_DISTANCE = 10
"""Pictures that differ in at most so many bits look alike. Photos saved again as JPEG of quality 30 or at half their
size differ in up to 5 bits, at half size and quality 10 in up to 12; two photos of different things in 42 or more."""


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal. Raises DataError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            str(path), expected="a readable file", found=reason, fix="check the file", code="file"
        ) from None


def hash_look(image: Image.Image) -> int:
    """A number of 128 bits that changes little when a picture is saved again, resized or made brighter."""
    grey = image.convert("L")
    return _pack(np.concatenate([_compare_neighbours(grey), _compare_frequencies(grey)]))


def hash_file_look(path: Path) -> int:
    """`hash_look` of a file. Raises DataError when it is not a complete picture."""
    return hash_look(open_image(path))


def _compare_neighbours(grey: Image.Image) -> np.ndarray:
    """dHash: whether each of 8 x 8 places is brighter than the place to its left."""
    small = np.asarray(grey.resize((9, 8), Image.Resampling.LANCZOS), dtype=np.int16)
    return (small[:, 1:] > small[:, :-1]).ravel()


def _compare_frequencies(grey: Image.Image) -> np.ndarray:
    """pHash: whether each of the lowest 63 frequencies of a cosine transform is above their median; the mean is not."""
    small = np.asarray(grey.resize((32, 32), Image.Resampling.LANCZOS), dtype=np.float64)
    low = (_COSINES @ small @ _COSINES.T).ravel()[1:]
    return np.append(low > np.median(low), False)


_COSINES = np.cos(np.pi / 64 * np.outer(np.arange(8), 2 * np.arange(32) + 1))


def _pack(bits: np.ndarray) -> int:
    return int.from_bytes(np.packbits(bits).tobytes())


class LookIndex:
    """Looks that were added, to be found by any look within a distance of bits.

    Two numbers that differ in at most d bits agree in at least one of d + 1 bands of bits, so only those that share a
    band are compared; nothing within the distance is missed.

    Args:
        distance: Bits in which two pictures that look alike may differ.
    """

    def __init__(self, distance: int = LOOK_DISTANCE) -> None:
        edges = [LOOK_BITS * band // (distance + 1) for band in range(distance + 2)]
        self._bands = [(start, (1 << (end - start)) - 1) for start, end in pairwise(edges)]
        self._buckets: list[dict[int, list[int]]] = [{} for _ in self._bands]
        self._looks: list[int] = []
        self._distance = distance

    def add(self, look: int) -> int:
        """Keep a look and return its number, counted from 0."""
        number = len(self._looks)
        self._looks.append(look)
        for (start, mask), bucket in zip(self._bands, self._buckets, strict=True):
            bucket.setdefault(look >> start & mask, []).append(number)
        return number

    def find(self, look: int) -> list[tuple[int, int]]:
        """(distance, number) of every kept look within the distance, the nearest first."""
        near: dict[int, int] = {}
        for (start, mask), bucket in zip(self._bands, self._buckets, strict=True):
            for number in bucket.get(look >> start & mask, ()):
                if number not in near:
                    near[number] = (self._looks[number] ^ look).bit_count()
        return sorted((bits, number) for number, bits in near.items() if bits <= self._distance)


NAME_FIELDS: tuple[str, ...] = (
    "image",
    "image_id",
    "image_path",
    "image_name",
    "image_url",
    "image_src",
    "img",
    "img_path",
    "coco_id",
)
NAME_FIELDS += ("file_name", "filename", "coco_url")
"""Fields in which published rows name a picture."""

COCO_VAL2014 = "coco val2014"
"""The key of every name that says it is of COCO's val2014, from which CHAIR draws."""

SHORTEST_NAME = 6
"""Shorter names, such as 001.jpg, occur everywhere and say nothing."""

_COCO = re.compile(r"(?<!\d)(0{6}\d{6})(?!\d)")
_OPEN_IMAGES = re.compile(r"(?<![0-9a-f])([0-9a-f]{16})(?![0-9a-f])")


def find_name_keys(name: str) -> set[str]:
    """Keys that two names of one picture share: COCO's number, Open Images' id, or the file's name without its ending.

    `COCO_val2014_000000310196.jpg`, `000000310196.png` and `some_prefix_000000310196.jpg` are one picture.
    """
    name = normalize("NFC", name)  # disks and rows spell accents differently
    stem = PurePosixPath(name.partition("?")[0].replace("\\", "/")).stem.casefold()
    keys = {f"coco {int(number)}" for number in _COCO.findall(stem)}
    keys |= {f"open images {number}" for number in _OPEN_IMAGES.findall(stem)}
    if "val2014" in name.casefold():
        keys.add(COCO_VAL2014)
    if not keys and len(stem) >= SHORTEST_NAME:
        keys.add(f"name {stem}")
    return keys


def list_name_keys(row: Mapping[str, Any]) -> set[str]:
    """The keys of every picture that a row names, in any of `NAME_FIELDS`."""
    return {key for value in list_named(row) for key in _keys_of(*value)}


def list_named(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(field, value) of what may name a picture; of `{"bytes", "path"}`, the path."""
    for field in NAME_FIELDS:
        value = row.get(field)
        yield field, value.get("path") if isinstance(value, dict) else value


def _keys_of(field: str, value: Any) -> set[str]:
    """Plain numbers are COCO's where the field holds ids."""
    is_id = field in ("image_id", "coco_id")
    if is_id and (isinstance(value, int) or (isinstance(value, str) and value.isdecimal() and len(value) <= 12)):
        return {f"coco {int(value)}"}
    return find_name_keys(value) if isinstance(value, str) and len(value) < 1000 else set()
