"""Records to train on or to look at, from our own files and from foreign ones alike."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from errata.data.image_store import ImageStore
from errata.data.import_records import find_records_file, import_records, list_other_splits
from errata.data.reading import OnBad, Reading, describe_reading
from errata.data.saved import is_saved
from errata.data.sources import SourceFile, open_file
from errata.records import Record

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
