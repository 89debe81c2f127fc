"""What makes two image files one picture: their bytes, or how they look."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

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
