"""Records to train on or to look at, from our own files and from foreign ones alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from errata.data.image_store import ImageStore
from errata.data.import_records import find_records_file, import_records
from errata.data.reading import OnBad, Reading
from errata.data.saved import is_saved
from errata.data.sources import open_file
from errata.records import Record


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
    on_bad: OnBad | None = None,
) -> LoadedRecords:
    """Read all of our JSON lines, an imported folder, or a foreign file in any format of docs/formats.md.

    The arguments and errors are those of `open_records`.
    """
    records, root = open_records(path, image_root, import_dir=import_dir, on_bad=on_bad)
    return LoadedRecords(list(records), root)


def open_records(
    path: str | Path,
    image_root: str | Path | None = None,
    *,
    import_dir: str | Path | None = None,
    on_bad: OnBad | None = None,
) -> tuple[Iterator[Record], Path]:
    """Records one at a time, and the folder that their image paths start from.

    Args:
        path: The file, or a folder that `errata data import` wrote, or `save_to_disk` of `datasets`.
        image_root: Where relative image paths start; None is the folder of the file.
        import_dir: Where a table that holds its pictures is imported; None is a folder beside it. A second call finds
            the pictures there. Of JSON the pictures stay where they are.
        on_bad: Called with every row that cannot be used, which is then left out; without it the first one raises.

    Raises:
        DataError: No such file, a format that is not known, or a bad row, with its place.
    """
    path = find_records_file(path) if not is_saved(Path(path)) else Path(path)
    file = open_file(path)
    root = Path(image_root or path.parent)
    if file.kind != "json" or path.is_dir():
        root = Path(import_dir or path.with_suffix(".errata"))
        file = open_file(import_records(path, root, image_root=image_root, on_bad=on_bad).path)
    return Reading(on_bad=on_bad).read([file], lambda _: ImageStore(None, root=root)), root
