"""Foreign data to a folder of our own: records.jsonl, and images/ with files named by their content."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from errata.data.formats import find_format
from errata.data.image_store import ImageStore, ImageWriter
from errata.data.reading import OnBad, Reading
from errata.data.rows import (
    SourceFile,
    SourceNames,
    build_hub_source,
    find_other_splits,
    is_hub_name,
    list_files,
    list_other_lists,
    open_file,
)
from errata.errors import DataError
from errata.records import Record, write_records
from errata.text import find_markup

RECORDS_FILE = "records.jsonl"
_SPLIT = re.compile(r"(train|test|validation|valid|val|dev|eval)[-_.]")
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import wrote, and what it counted on the way.

    Attributes:
        path: The file.
        records: How many it holds.
        notes: How often rows held what a record has no place for.
        told: How often something was read otherwise than it stood there.
        unread: Columns that no format reads, with the number of rows; they are kept in `meta`.
        marked: How many records hold another tool's markup.
    """

    path: Path
    records: int
    notes: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    marked: int = 0


def import_records(
    source: str | Path,
    out: str | Path,
    *,
    format: str | None = None,
    image_root: str | Path | None = None,
    license: str | None = None,
    from_source: str | None = None,
    columns: Mapping[str, str] | None = None,
    ignore: Collection[str] = (),
    split: str = "train",
    allow_download: bool = False,
    on_bad: OnBad | None = None,
    on_progress: OnProgress | None = None,
) -> ImportSummary:
    """Convert foreign data to `out`/records.jsonl and `out`/images/, a row at a time; see also `source_names`.

    `records.jsonl` appears when all is done; a killed import is started again and finds its images there.

    Args:
        source: A file, a folder of files, or the name of a data set on the Hub (`owner/name`).
        out: The folder to write.
        format: A name of docs/formats.md; None recognises it.
        image_root: The folder that image paths start in; None is that of a JSON, CSV or TSV file, and none for tables
            that hold their pictures: those name no files of this machine.
        license: Written into every record whose row states none.
        from_source: The data set that the rows are from, written into every record whose row states none.
        columns: Which column holds what, for tables of one's own.
        ignore: Columns that are left out as if they were not there.
        split: Which split of a data set on the Hub, or of one that `datasets` saved.
        allow_download: Fetch images that rows name by a web address, instead of refusing them.
        on_bad: Called with every row that cannot be used, which is then left out; without it the first one raises.
        on_progress: Called with "rows", how many records are done, and how many rows there are.

    Raises:
        DataError: A format that is not known, or a bad row, with its place.
        StorageError: `out` cannot be written.
    """
    if image_root is not None and not Path(image_root).is_dir():
        fix = "name the folder that image paths start in"
        raise DataError("--image-root", expected="a folder", found=str(image_root), fix=fix)
    known = find_format(format) if format else None
    reading = Reading(known, license, from_source, columns or {}, frozenset(ignore), on_bad)
    files = open_source(source, split)
    reading.told.update(f"split {name!r} not read" for name in list_other_splits(files, source, split))
    reading.told.update(f"a file of split {name!r}, read with the others" for name in list_named_splits(files))
    folder, names = Path(out) / "images", SourceNames()

    with ImageWriter(folder) as writer:

        def build_images(file: SourceFile) -> ImageStore:
            root = image_root or (file.path.parent if file.kind in ("json", "csv", "tsv") else None)
            return ImageStore(
                folder, prefix="images/", root=root, allow_download=allow_download, write=writer.store, names=names
            )

        def write_images() -> None:
            writer.finish()
            names.write(out)

        counted = _Counted(reading.read(files, build_images), _count_rows(files), on_progress)
        write_records(Path(out) / RECORDS_FILE, _finish(counted, reading, write_images, source))
    return ImportSummary(
        Path(out) / RECORDS_FILE,
        counted.count,
        +reading.notes,
        +reading.told,
        Counter(dict(reading.unread.most_common())),
        counted.marked,
    )


def _finish(
    counted: _Counted, reading: Reading, write_images: Callable[[], None], source: str | Path
) -> Iterator[Record]:
    """The records; behind the last one, all that must hold before their file may get its name."""
    yield from counted
    write_images()
    if not counted.count and not reading.aside:
        raise DataError(str(source), expected="rows", found="none", fix="check the path")


def _count_rows(files: list[SourceFile]) -> int | None:
    """How many rows there are, where all files say it; a damaged one shows when it is read."""
    try:
        counts = [file.count() for file in files]
    except DataError:
        return None
    return None if None in counts else sum(count or 0 for count in counts)


def open_source(source: str | Path, split: str = "train") -> list[SourceFile]:
    """The files of a source, or a split of a data set on the Hub. Raises DataError when there is none of the name."""
    path = Path(source)
    if path.is_dir():
        return [open_file(file, split) for file in list_files(path, split)]
    if path.exists():
        return [open_file(path, split)]
    if is_hub_name(source):
        return [build_hub_source(str(source), split)]
    expected = "a file, a folder, or owner/name of a data set on the Hub"
    raise DataError(str(source), expected=expected, found="none of this name", fix="check the path")


def list_other_splits(files: Iterable[SourceFile], source: str | Path, split: str) -> list[str]:
    """The names of the splits that a source also holds, of a saved data set or as lists of a JSON file."""
    saved = find_other_splits(Path(source), split) if Path(source).is_dir() else []
    lists = [name for file in files if file.kind == "json" for name in list_other_lists(file.path, split)]
    return [other.name for other in saved] + lists


def list_named_splits(files: Sequence[SourceFile]) -> list[str]:
    """The splits that files call themselves by, one for each file; none where they are all of one."""
    found = [match[1] for file in files if (match := _SPLIT.match(file.path.name)) is not None]
    return found if len(set(found)) > 1 else []


def find_records_file(path: str | Path) -> Path:
    """The file of records in a folder that `import_records` wrote, or the path of a file as it is.

    Raises:
        DataError: A folder without such a file.
    """
    path = Path(path)
    if path.is_dir() and not (path / RECORDS_FILE).is_file():
        fix = f"name the file, or run `errata data import {path} --out DIR` first"
        expected = f"a file, or a folder with {RECORDS_FILE}"
        raise DataError(str(path), expected=expected, found="a folder without", fix=fix)
    return path / RECORDS_FILE if path.is_dir() else path


def _holds_markup(record: Record) -> bool:
    turns = (*record.prompt, *(turn for response in record.responses for turn in response.turns))
    return any(find_markup(turn.text, turn.role) for turn in turns)


class _Counted:
    """Records on their way, counted and told of."""

    def __init__(self, records: Iterable[Record], total: int | None, on_progress: OnProgress | None) -> None:
        self._records, self._total, self._tell = records, total, on_progress
        self.count = self.marked = 0

    def __iter__(self) -> Iterator[Record]:
        for record in self._records:
            self.count += 1
            self.marked += _holds_markup(record)
            if self._tell is not None and self._total is not None and self.count < self._total:
                self._tell("rows", self.count, self._total)
            yield record
        if self._tell is not None:
            self._tell("rows", self._total or self.count, self._total or self.count)
