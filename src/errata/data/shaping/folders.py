"""The folder that records go to: one record at a time, its pictures beside it.

Where records come from: a file that is read one record at a time, and knows where each of them stands.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from filecmp import cmp
from pathlib import Path
from typing import Any, Literal

from errata.data.import_records import RECORDS_FILE, OnProgress
from errata.data.reading import OnBad, find_foreign_format
from errata.data.rows import SourceNames, read_source_names
from errata.data.shaping.pictures import hash_file
from errata.data.text_limits import require_text
from errata.errors import DataError
from errata.images import resolve_image
from errata.records import BadRow, Record, iterate_records, record_to_row
from errata.storage import replacing, storing, writing_json_lines


@dataclass(slots=True)
class RecordFile:
    """A file of our records and the folder that its relative image paths start from.

    `on_progress` is called while it is read, with its name, how many records were, and how many lines there are.
    `place` is the `file:line` of the record that was read last.
    """

    path: Path
    root: Path
    on_progress: OnProgress | None = None
    place: str = ""

    def read(self, on_bad: OnBad | None = None) -> Iterator[Record]:
        """Its records one after another; see `iterate_records`. Texts that `require_text` refuses make bad rows."""
        records = iterate_records(self.path, on_bad=on_bad, check=self._accept)
        return records if self.on_progress is None else self._tell(records, self.on_progress)

    def _accept(self, record: Record, where: str) -> None:
        require_text(record, where)
        self.place = where

    def _tell(self, records: Iterator[Record], on_progress: OnProgress) -> Iterator[Record]:
        with self.path.open("rb") as file:
            total = sum(1 for _ in file)
        for number, record in enumerate(records, 1):
            on_progress(str(self.path), min(number, total - 1), total)
            yield record
        on_progress(str(self.path), total, total)

    def read_again(self) -> Iterator[Record]:
        """The same records once more; bad rows were told the first time."""
        return iterate_records(self.path, on_bad=_ignore, check=self._accept)

    def set_aside(self, record: Record, error: DataError, on_bad: OnBad | None) -> None:
        """Hand the record that was read last and cannot be used to `on_bad`; without it, raise where and why."""
        named = error.within(f"{self.place}: record {record.id!r}")
        if on_bad is None:
            named.can_skip = True
            raise named from None
        on_bad(BadRow(self.place, str(named), json.dumps(record_to_row(record), ensure_ascii=False)))


def _ignore(_: BadRow) -> None:
    pass


def find_records(
    path: str | Path, image_root: str | Path | None = None, on_progress: OnProgress | None = None
) -> RecordFile:
    """The records of a `.jsonl` file or of a folder with records.jsonl; see `RecordFile` for `on_progress`.

    Raises:
        DataError: It is a parquet file, rows of a foreign format, or a folder without records.
    """
    path = Path(path)
    file = path / RECORDS_FILE if path.is_dir() else path
    if file.suffix == ".parquet" or not file.is_file():
        found = "a parquet file" if file.suffix == ".parquet" else f"no file {file}"
        fix = "run `errata data import` first" if file.suffix == ".parquet" else "check the path"
        raise DataError(
            str(path), expected=f"a .jsonl file of records or a folder with {RECORDS_FILE}", found=found, fix=fix
        )
    foreign = find_foreign_format(file)
    if foreign is not None:
        fix = f"run `errata data import {path} --out DIR` first"
        raise DataError(str(path), expected="records of our own", found=f"rows of the format {foreign.name}", fix=fix)
    return RecordFile(file, Path(image_root or file.parent), on_progress)


ImageRule = Literal["link", "copy", "none"]
"""How pictures come into a folder: as hard links (copies where the disk has none), as copies, or not at all."""

IMAGE_RULES: tuple[ImageRule, ...] = ("link", "copy", "none")


@dataclass(slots=True)
class RecordFolder:
    """A folder being written. `count` says how many records it has."""

    path: Path
    images: ImageRule
    on_bad: OnBad | None
    _write_row: Callable[[Any], None]
    count: int = 0
    _placed: dict[tuple[Path, str], str] = field(default_factory=dict)
    _known_names: dict[Path, dict[str, list[str]]] = field(default_factory=dict)
    _names: SourceNames = field(default_factory=SourceNames)

    @property
    def records(self) -> Path:
        """The file of records, there as soon as all are written."""
        return self.path / RECORDS_FILE

    def write(self, record: Record, source: RecordFile) -> None:
        """Add the record that was read last from `source`, or one made of it.

        Raises:
            DataError: A picture leads out of the root or is not there, and nothing was given as `on_bad`.
        """
        try:
            record = self._bring_images(record, source.root)
        except DataError as error:
            source.set_aside(record, error, self.on_bad)
            return
        self._write_row(record_to_row(record))
        self.count += 1

    def finish(self) -> None:
        """Write what the pictures were called in their sources. Raises StorageError."""
        self._names.write(self.path)

    def _bring_images(self, record: Record, root: Path) -> Record:
        if self.images == "none":
            return record
        names = tuple(self._bring(image, root) for image in record.images)
        return record if names == record.images else replace(record, images=names)

    def _bring(self, image: str, root: Path) -> str:
        name = self._placed.get((root, image))
        if name is None:
            name = self._placed[root, image] = self._place(find_image(image, root), _name_inside(image, root))
            if root not in self._known_names:
                self._known_names[root] = read_source_names(root)
            for called in self._known_names[root].get(image, ()):
                self._names.add(name, called)
        return name

    def _place(self, file: Path, name: str) -> str:
        target = self.path / name
        if target.exists() and not (target.is_file() and _is_same(file, target)):
            name = f"images/{hash_file(file)[:32]}{file.suffix.lower()}"  # two folders may give a name to two pictures
            target = self.path / name
        if not target.exists():
            _bring_file(file, target, self.images)
        return name


def require_folder(out: str | Path, *sources: RecordFile) -> None:
    """Raise DataError where `out` is one of the folders being read, or has the name of a file."""
    out = Path(out)
    if out.suffix in (".jsonl", ".json", ".parquet"):
        raise DataError(str(out), expected="a folder to write", found="the name of a file", fix="leave the ending out")
    for source in sources:
        if source.path.resolve() == (out / RECORDS_FILE).resolve():
            fix = "choose another folder; what is read stays as it is"
            raise DataError(
                str(out), expected="a folder of its own for what is written", found="the one being read", fix=fix
            )


@contextmanager
def writing_folder(
    out: str | Path, *sources: RecordFile, images: ImageRule = "link", on_bad: OnBad | None = None
) -> Iterator[RecordFolder]:
    """Write records to `out`/records.jsonl, which appears whole when the block ends, with their pictures beside it.

    Args:
        out: The folder.
        sources: What is being read; it may not lie in `out`.
        images: How pictures come there.
        on_bad: Called with every record whose picture is missing, which is then left out.

    Raises:
        DataError: The folder is one of those being read, or has the name of a file.
        StorageError: The folder cannot be written.
    """
    out = Path(out)
    require_folder(out, *sources)
    with writing_json_lines(out / RECORDS_FILE) as write:
        folder = RecordFolder(out, images, on_bad, write)
        yield folder
        folder.finish()


def find_image(image: str, root: Path) -> Path:
    """The file of a picture. Raises DataError when it leads out of `root` or is no file."""
    file = resolve_image(image, root)
    if not file.is_file():
        fix = f"check the path and the image root {root}, or run with --images none"
        raise DataError(image, expected="an image file", found="no such file", fix=fix, code="image")
    return file


def _name_inside(image: str, root: Path) -> str:
    """A path below the folder for a picture: as it is written where that stays inside, else as it resolves."""
    plain = os.path.normpath(image)
    if not Path(plain).is_absolute() and not plain.startswith(".."):
        return Path(plain).as_posix()
    return resolve_image(image, root).relative_to(root.resolve()).as_posix()


def _is_same(file: Path, target: Path) -> bool:
    return file.samefile(target) or cmp(file, target, shallow=False)


def _bring_file(file: Path, target: Path, rule: ImageRule) -> None:
    with storing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    if rule == "link":
        with suppress(OSError):  # another disk, or one without links
            os.link(file, target)
            return
    with replacing(target) as temporary:
        shutil.copyfile(file, temporary)
