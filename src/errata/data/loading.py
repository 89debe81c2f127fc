"""Records to train on or to look at, from our own files and from foreign ones alike.

Several files as one data set, each seen as often as its weight says.

TRL's rows in a program: a `datasets.Dataset` or a list to records, and a record to rows with PIL images.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from errata.data.formats.format import ReadContext
from errata.data.formats.trl import TRL, build_messages
from errata.data.formats.unread import read_records
from errata.data.image_store import ImageStore
from errata.data.import_records import RECORDS_FILE, find_records_file, import_records, list_other_splits
from errata.data.reading import OnBad, Reading, describe_reading
from errata.data.rows import SourceFile, is_saved, open_file
from errata.data.segments import fill_segments
from errata.errors import ConfigError, DataError
from errata.images import open_image, resolve_image
from errata.records import BadRow, Record

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Portion:
    """So many records that follow one another, and how often an epoch of training sees each."""

    count: int
    weight: float


@dataclass(frozen=True, slots=True)
class LoadedRecords:
    """Records and the folder that their relative image paths start from.

    `portions` are the parts of a mixture in their order; none where an epoch sees every record once.
    """

    records: list[Record]
    image_root: Path
    portions: tuple[Portion, ...] = ()


def load_records(
    path: str | Path,
    image_root: str | Path | None = None,
    *,
    import_dir: str | Path | None = None,
    ignore: Collection[str] = (),
    on_bad: OnBad | None = None,
) -> LoadedRecords:
    """Read all of our JSON lines, an imported folder, or a foreign file in any format of docs/formats.md.

    The arguments and errors are those of `open_records`.
    """
    records, root = open_records(path, image_root, import_dir=import_dir, ignore=ignore, on_bad=on_bad)
    return LoadedRecords(list(records), root)


def open_records(
    path: str | Path,
    image_root: str | Path | None = None,
    *,
    import_dir: str | Path | None = None,
    ignore: Collection[str] = (),
    on_bad: OnBad | None = None,
) -> tuple[Iterator[Record], Path]:
    """Records one at a time, and the folder that their image paths start from.

    Columns that no format reads, and what was read otherwise than it stood there, are logged behind the last record.

    Args:
        path: The file, or a folder that `errata data import` wrote, or `save_to_disk` of `datasets`.
        image_root: Where relative image paths start; None is the folder of the file.
        import_dir: Where a table that holds its pictures is imported; None is a folder beside it. A second call finds
            the pictures there. Of JSON the pictures stay where they are.
        ignore: Columns of foreign data that are left out as if they were not there.
        on_bad: Called with every row that cannot be used, which is then left out; without it the first one raises.

    Raises:
        DataError: No such file, a format that is not known, or a bad row, with its place.
    """
    path = find_records_file(path) if not is_saved(Path(path)) else Path(path)
    file = open_file(path)
    root = Path(image_root or path.parent)
    if file.kind != "json" or path.is_dir():
        root = Path(import_dir or path.with_suffix(".errata"))
        done = import_records(path, root, image_root=image_root, ignore=ignore, on_bad=on_bad)
        _tell(path, done.told, done.unread)
        file, ignore = open_file(done.path), ()
    reading = Reading(ignore=frozenset(ignore), on_bad=on_bad)
    reading.told.update(f"split {name!r} not read" for name in list_other_splits([file], file.path, "train"))
    return _read(path, file, root, reading), root


def _read(path: Path, file: SourceFile, root: Path, reading: Reading) -> Iterator[Record]:
    yield from reading.read([file], lambda _: ImageStore(None, root=root))
    _tell(path, +reading.told, reading.unread)


def _tell(path: Path, told: Counter[str], unread: Counter[str]) -> None:
    for line in describe_reading(told, unread):
        _LOG.warning("%s: %s", path, line)


MAX_WEIGHT = 1000.0
"""A weight above this is a slip of the pen."""


@dataclass(frozen=True)
class DataPart:
    """One part of a mixture.

    Args:
        path: What `load_records` reads.
        weight: How often an epoch sees each of its records: 2 twice, 0.5 half of them, drawn anew for every epoch.
        image_root: Where its relative image paths start; None is what the run says, or the folder of the file.
    """

    path: Path
    weight: float = 1.0
    image_root: Path | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and 0 < self.weight <= MAX_WEIGHT):
            raise ConfigError(
                f"data: weight of {self.path}",
                expected=f"a number above 0, at most {MAX_WEIGHT:g}",
                found=repr(self.weight),
                fix="leave the part out, or say how often an epoch sees each of its records",
            )


def load_mixture(
    parts: Sequence[DataPart],
    image_root: str | Path | None = None,
    *,
    import_dir: str | Path,
    ignore: Collection[str] = (),
    on_bad: OnBad | None = None,
) -> LoadedRecords:
    """Read all parts, in order. Ids begin with the name of their part, images are absolute paths.

    Args:
        parts: At least one.
        image_root: Where the relative image paths of a part start that says nothing itself.
        import_dir: Where the images of parquet files are written, in a folder for each part.
        ignore: Columns of foreign data that are left out of all parts as if they were not there.
        on_bad: Called with every row that cannot be used, which is then left out; without it the first one raises.

    Raises:
        ConfigError: No part.
        DataError: As `load_records`; or an image path that leads out of its root, or to no file.
    """
    if not parts:
        raise ConfigError("data", expected="a file or a list of them", found="an empty list", fix="add a path")
    records: list[Record] = []
    portions: list[Portion] = []
    for name, part in zip(_name_parts(parts), parts, strict=True):
        folder = Path(import_dir) / name
        root = part.image_root or image_root
        loaded = load_records(part.path, root, import_dir=folder, ignore=ignore, on_bad=on_bad)
        placed = list(_place(loaded, name, on_bad))
        records += placed
        portions.append(Portion(len(placed), part.weight))
    return LoadedRecords(records, Path(Path.cwd().anchor), tuple(portions))


def _name_parts(parts: Sequence[DataPart]) -> Iterator[str]:
    """The name of each file or imported folder, with a number where it occurred before."""
    seen: set[str] = set()
    for part in parts:
        stem = part.path.parent.name if part.path.name == RECORDS_FILE else part.path.stem
        name, number = stem or "data", 1
        while name in seen:
            number += 1
            name = f"{stem}.{number}"
        seen.add(name)
        yield name


def _place(loaded: LoadedRecords, name: str, on_bad: OnBad | None) -> Iterator[Record]:
    """Records that can stand beside those of other parts: a mixture has no image root of its own."""
    for record in loaded.records:
        try:
            images = tuple(str(_find_image(image, loaded.image_root)) for image in record.images)
        except DataError as error:
            refused = error.within(f"record {record.id!r}")
            if on_bad is None:
                refused.can_skip = True
                raise refused from None
            on_bad(BadRow(refused.where, str(refused), ""))
            continue
        yield replace(record, id=f"{name}/{record.id}", images=images)


def _find_image(image: str, root: Path) -> Path:
    """The file of an image path, looked for here, as nobody knows behind a mixture which root it started in."""
    file = resolve_image(image, root)
    if not file.is_file():
        fix = f"check the path and the image root {root}"
        raise DataError(image, expected="a readable image", found="no such file", fix=fix, code="image")
    return file


def records_from_trl(
    dataset: Iterable[Mapping[str, Any]],
    image_dir: str | Path,
    *,
    on_bad: Callable[[BadRow], None] | None = None,
) -> list[Record]:
    """Convert rows to records whose pictures lie in `image_dir` under their content's hash.

    Args:
        dataset: The rows, read once; pictures are PIL images, bytes, paths or `{"bytes", "path"}`.
        image_dir: Where pictures are written; records name them relative to this folder.
        on_bad: Called with every row that cannot be used, which is then left out; without it the first one raises.
    """
    records: list[Record] = []
    images = ImageStore(image_dir, trusted=True)
    told, unread = Counter[str](), Counter[str]()
    for number, row in enumerate(dataset, 1):
        where = f"row {number}"
        try:
            context = ReadContext(where, Path("trl"), "hub", number, images, told=told, unread=unread)
            records += map(fill_segments, read_records(TRL, dict(row), context))
        except DataError as error:
            if on_bad is None:
                error.can_skip = True
                raise
            on_bad(BadRow(where, str(error), ""))
    for line in describe_reading(+told, unread):
        _LOG.warning("data set: %s", line)
    return records


def record_to_trl(record: Record, image_root: str | Path) -> list[dict[str, Any]]:
    """TRL's rows of a record, one for each answer below level 0; pictures as PIL images, segments are dropped."""
    images = [open_image(image, image_root) for image in record.images]
    return [{"images": images, **row} for row in build_messages(record)]
