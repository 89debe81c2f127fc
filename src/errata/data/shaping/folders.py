"""The folder that records go to: one record at a time, its pictures beside it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from filecmp import cmp
from pathlib import Path
from typing import Any, Literal

from errata.data.import_records import RECORDS_FILE
from errata.data.reading import OnBad
from errata.data.shaping.image_files import hash_file
from errata.data.shaping.record_file import RecordFile
from errata.data.source_names import SourceNames, read_source_names
from errata.errors import DataError
from errata.images import resolve_image
from errata.records import Record, record_to_row, replacing, storing, writing_json_lines

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
