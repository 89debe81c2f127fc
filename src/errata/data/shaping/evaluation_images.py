"""The pictures that benchmarks measure with, to compare others with: their names, their bytes and how they look."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from errata.data.shaping.image_files import LOOK_DISTANCE, LookIndex, hash_file, hash_file_look


@dataclass(frozen=True, slots=True)
class Match:
    """Why a picture is one of a benchmark's: `name`, `bytes` or `look`, with what it matched."""

    benchmark: str
    reason: str
    matched: str
    bits_apart: int | None = None


class EvaluationImages:
    """Pictures of benchmarks, to compare others with.

    Args:
        look_distance: Bits in which pictures that look alike may differ.

    `names` are those known of each benchmark, `pictures` the number of its image files. What several benchmarks use
    is told of the one that was added first.
    """

    def __init__(self, look_distance: int = LOOK_DISTANCE) -> None:
        self.names: dict[str, set[str]] = defaultdict(set)
        self.pictures: Counter[str] = Counter()
        self._keys: dict[str, str] = {}
        self._bytes: dict[str, tuple[str, str]] = {}
        self._looks = LookIndex(look_distance)
        self._looked: list[tuple[str, str]] = []

    def add_keys(self, benchmark: str, keys: set[str]) -> None:
        """Add names in the form of `find_name_keys`."""
        self.names[benchmark] |= keys
        for key in keys:
            self._keys.setdefault(key, benchmark)

    def add_picture(self, benchmark: str, name: str, digest: str, look: int) -> None:
        """Add a picture by the SHA-256 of its bytes and its look."""
        self.pictures[benchmark] += 1
        if digest not in self._bytes:
            self._bytes[digest] = benchmark, name
            self._looks.add(look)
            self._looked.append((benchmark, name))

    def find_name(self, keys: set[str]) -> Match | None:
        """The benchmark that uses a picture with one of these names."""
        key = min(keys & self._keys.keys(), default=None)
        return None if key is None else Match(self._keys[key], "name", key)

    def find_picture(self, file: Path) -> Match | None:
        """The benchmark that uses this picture. Raises DataError when it is not a complete picture."""
        if not self._bytes:
            return None
        same = self._bytes.get(hash_file(file))
        if same is not None:
            return Match(same[0], "bytes", same[1])
        for bits, number in self._looks.find(hash_file_look(file)):
            return Match(self._looked[number][0], "look", self._looked[number][1], bits)
        return None
