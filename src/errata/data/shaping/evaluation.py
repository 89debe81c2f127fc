"""The pictures of benchmarks read from their official files, and those of any list, folder or table.

The pictures that benchmarks measure with, to compare others with: their names, their bytes and how they look.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errata.data.rows import iterate_json_values, read_parquet
from errata.data.shaping.pictures import (
    COCO_VAL2014,
    LOOK_DISTANCE,
    LookIndex,
    find_name_keys,
    hash_file,
    hash_file_look,
    hash_look,
    list_name_keys,
)
from errata.errors import ConfigError, DataError
from errata.images import ENDINGS, decode_image
from errata.storage import parse_line


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


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Where the official files of a benchmark lie below a data folder, and how many pictures it has.

    `keys` are names of all its pictures that are known without a file.
    """

    patterns: tuple[str, ...]
    pictures: int | None
    keys: tuple[str, ...] = ()


BENCHMARKS: dict[str, Benchmark] = {
    "pope": Benchmark(("pope/*.json", "pope/*.jsonl"), 500),
    "chair": Benchmark(("chair/*.json", "chair/*.jsonl"), None, (COCO_VAL2014,)),
    "object_halbench": Benchmark(("object_halbench/*.json", "object_halbench/*.jsonl"), 300),
    "mmhal": Benchmark(("mmhal*/*.json", "mmhal*/*.jsonl"), 96),
    "mrhal": Benchmark(("mrhal*/*.json", "mrhal*/*.jsonl"), 105),
    "amber": Benchmark(("amber/query/*.json", "amber/*.jsonl"), 1004),
    "llava_bench": Benchmark(("llava_bench/*questions*.jsonl",), 30),
    "refomb": Benchmark(("refomb/*.json", "refomb/*.jsonl"), 73),
}
"""Name -> where it lies. CHAIR is measured on a sample of COCO's val2014 that no paper lists, so all of it counts."""

_PICTURES = tuple(f".{ending}" for ending in (*ENDINGS.values(), "jpeg", "tiff"))


def load_evaluation_images(
    against: list[str], data: str | Path | None = None, *, look_distance: int = LOOK_DISTANCE
) -> EvaluationImages:
    """The pictures of benchmarks and files.

    Args:
        against: Names of `BENCHMARKS`, or paths: questions or COCO annotations as JSON, a list of names as text,
            parquet with a column `image`, a picture, or a folder of pictures.
        data: The folder that holds the benchmarks' official files, one folder each; image files in it count as well.
        look_distance: Bits in which pictures that look alike may differ.

    Raises:
        ConfigError: Neither a benchmark nor a path, or a benchmark without a data folder.
        DataError: A file in which no picture is named.
    """
    known = EvaluationImages(look_distance)
    for name in against:
        benchmark = BENCHMARKS.get(name.replace("-", "_"))
        if benchmark is not None:
            _add_benchmark(known, name.replace("-", "_"), benchmark, data)
        elif Path(name).exists():
            _add_path(known, name, Path(name))
            _require_known(known, name, name)
        else:
            expected = "a benchmark of " + ", ".join(BENCHMARKS) + ", or a file or folder"
            raise ConfigError("against", expected=expected, found=repr(name), fix="check the name or the path")
    return known


def _add_benchmark(known: EvaluationImages, name: str, benchmark: Benchmark, data: str | Path | None) -> None:
    known.add_keys(name, set(benchmark.keys))
    if data is None and not benchmark.keys:
        fix = f"give the folder in which {benchmark.patterns[0]} lies as --data DIR, or name a file"
        raise ConfigError("against", expected=f"the official files of {name}", found="no data folder", fix=fix)
    if data is not None:
        files = sorted(file for pattern in benchmark.patterns for file in Path(data).glob(pattern))
        folders = sorted(
            folder for folder in Path(data).glob(benchmark.patterns[0].partition("/")[0]) if folder.is_dir()
        )
        for path in [*files, *folders]:
            _add_path(known, name, path)
        _require_known(known, name, f"{data}/{benchmark.patterns[0]}")


def _require_known(known: EvaluationImages, name: str, where: str) -> None:
    if not known.names[name] and not known.pictures[name]:
        fix = "check the folder, or name a file with the images' names"
        raise DataError(where, expected=f"pictures or names of pictures of {name}", found="none", fix=fix)


def _add_path(known: EvaluationImages, benchmark: str, path: Path) -> None:
    if path.is_dir():
        for file in sorted(file for file in path.rglob("*") if file.suffix.lower() in _PICTURES):
            _add_file(known, benchmark, file)
    elif path.suffix.lower() in _PICTURES:
        _add_file(known, benchmark, path)
    elif path.suffix == ".txt":
        for _, name in _read_names(path):
            known.add_keys(benchmark, find_name_keys(name) - {COCO_VAL2014})
    else:
        rows = read_parquet(path) if path.suffix == ".parquet" else _read_rows(path)
        for where, row in rows:
            known.add_keys(benchmark, list_name_keys(row) - {COCO_VAL2014})
            _add_embedded(known, benchmark, row, where)


def _add_file(known: EvaluationImages, benchmark: str, file: Path) -> None:
    known.add_keys(benchmark, find_name_keys(file.name) - {COCO_VAL2014})
    known.add_picture(benchmark, file.name, hash_file(file), hash_file_look(file))


def _read_names(path: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        found = str(error)
        raise DataError(str(path), expected="names, one a line, in UTF-8", found=found, fix="check the file") from None
    return ((f"{path}:{number}", line.strip()) for number, line in enumerate(lines, 1) if line.strip())


def _read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a JSON file; of COCO's annotations, their images."""
    for where, line in iterate_json_values(path):
        row = parse_line(where, line)
        if not isinstance(row, dict):
            raise DataError(where, expected="rows as JSON objects", found=type(row).__name__, fix="name another file")
        images = row.get("images")
        if isinstance(images, list):
            for image in images:
                named = {"image": image} if isinstance(image, str) else image
                if isinstance(named, dict):
                    yield where, named
        yield where, row


def _add_embedded(known: EvaluationImages, benchmark: str, row: dict[str, Any], where: str) -> None:
    """Add the picture that a row holds: bytes, `{"bytes"}`, or base64 text."""
    image = row.get("image")
    data = image.get("bytes") if isinstance(image, dict) else image
    if isinstance(data, str) and len(data) >= 1000:
        try:
            data = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            raise DataError(f"{where}: image", expected="base64", found="something else", fix="fix the row") from None
    if isinstance(data, bytes):
        name = next(iter(sorted(list_name_keys(row))), where)
        look = hash_look(decode_image(data, f"{where}: image"))
        known.add_picture(benchmark, name, hashlib.sha256(data).hexdigest(), look)
