"""One way into every format: rows in, records out, whatever file and whatever format they come from.

Ids that occur once, made of ids that may not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from errata.data.formats import (
    FORMATS,
    JSON_LINES,
    Format,
    ReadContext,
    Sample,
    read_records,
    recognise,
    recognise_file,
    suggest_columns,
)
from errata.data.image_store import ImageStore
from errata.data.rows import RawRow, Row, SourceFile, open_file
from errata.data.segments import fill_segments
from errata.data.text_limits import require_text
from errata.errors import DataError
from errata.records import BadRow, Record


class FreeIds:
    """Released files repeat their ids; every record needs its own."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._repeated: Counter[str] = Counter()  # where to go on: a file may give a million rows one id

    def take(self, name: str) -> str:
        """`name`, or with the smallest number that makes it new."""
        free = name
        while free in self._taken:
            self._repeated[name] += 1
            free = f"{name}.{self._repeated[name] + 1}"
        self._taken.add(free)
        return free


OnBad = Callable[[BadRow], None]

_MOST_COUNTS = 20

LOOKED_AT = 1000
"""So many rows are looked at to find one that says which format it is of; the first may be damaged."""


@dataclass
class Reading:
    """How files become records.

    Args:
        format: The format; None recognises that of each file.
        license: Written into records whose rows state none.
        source: Likewise, the data set that they are from.
        columns: Which column holds what, for tables of one's own.
        ignore: Columns that are left out as if they were not there.
        on_bad: Called with every row that cannot be used, which is then left out; without it the first one raises.

    `notes` counts what the rows held and records have no place for, `told` what was read otherwise than it stood there,
    `unread` the columns that no format reads, and `aside` the rows that were set aside.
    """

    format: Format | None = None
    license: str | None = None
    source: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    ignore: Collection[str] = ()
    on_bad: OnBad | None = None
    notes: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    aside: int = 0
    _rows: int = 0
    _ids: FreeIds = field(default_factory=FreeIds)
    _seen: dict[str, str] = field(default_factory=dict)

    def read(self, files: Sequence[SourceFile], build_images: Callable[[SourceFile], ImageStore]) -> Iterator[Record]:
        """The records of all files in order, a row at a time.

        Raises:
            DataError: A file of no known format or one that is damaged as a whole, or a bad row where none is set
                aside. What follows a place from which a file cannot be read is set aside like a row, and so is a
                damaged file among several.
        """
        for file in files:
            before = self._rows
            try:
                yield from self._read_file(file, build_images(file))
            except DataError as error:
                begun = self._rows > before
                # A broken connection is no damage: the same command may read on.
                can_skip = file.kind != "hub" and (begun or len(files) > 1)
                if self.on_bad is None or not can_skip:
                    error.can_skip |= can_skip
                    raise
                self._set_aside(BadRow(error.where if begun else str(file.path), str(error), ""))

    def _read_file(self, file: SourceFile, images: ImageStore) -> Iterator[Record]:
        known = self.format or find_file_format(file, with_columns=bool(self.columns), ignore=self.ignore)
        if known is None:  # nothing in it that could be of any format
            yield from ()
            return
        rows = known.read_rows(file.path) if known.read_rows is not None and file.path.is_file() else file.rows()
        for raw in rows:
            self._rows += 1
            try:
                records = list(self.convert_row(raw, known, file, images))
            except DataError as error:
                if self.on_bad is None:
                    error.can_skip = True
                    raise
                self._set_aside(BadRow(raw.where, str(error), raw.describe()))
                continue
            yield from records

    def _set_aside(self, row: BadRow) -> None:
        assert self.on_bad is not None
        self.on_bad(row)
        self.aside += 1

    def convert_row(self, raw: RawRow, known: Format, file: SourceFile, images: ImageStore) -> Iterator[Record]:
        """The records of one row. Raises DataError."""
        counts = (self.notes, self.told, self.unread)
        context = ReadContext(raw.where, file.path, file.kind, raw.number, images, self.columns, *counts)
        for record in read_records(known, self._leave_out(raw.read()), context):
            require_text(record, raw.where)
            filled = fill_segments(record) if known.find_segments else record
            identity = self._take_id(record.id, raw.where, known)
            origin, terms = self._choose("sources", record.source, self.source), record.license
            yield replace(filled, id=identity, source=origin, license=self._choose("licences", terms, self.license))

    def _leave_out(self, row: Row) -> Row:
        left_out = [name for name in self.ignore if name in row]
        self.told.update(f"columns {name!r} left out" for name in left_out)
        return {name: value for name, value in row.items() if name not in left_out} if left_out else row

    def _choose(self, what: str, stated: str | None, said: str | None) -> str | None:
        """What the row states, else what the user says."""
        self.told[f"{what} that rows state themselves, and keep"] += bool(said and stated and said != stated)
        return stated or said

    def _take_id(self, name: str, where: str, known: Format) -> str:
        if not (known.unique_ids or "id" in self.columns):
            free = self._ids.take(name)
            self.notes["ids that occur again"] += free != name
            return free
        if name in self._seen:
            found = f"id {name!r} again, first at {self._seen[name]}"
            raise DataError(
                where, expected="ids that occur once", found=found, fix="rename or drop one row", code="duplicate-id"
            )
        self._seen[name] = where
        return name


def describe_reading(told: Mapping[str, int], unread: Mapping[str, int]) -> list[str]:
    """What was not read, and what was read otherwise than it stood there, a line each; none where all is as it was."""
    lines = [f"columns not read, and kept in meta: {list_counts(unread)}"] if unread else []
    return lines + ([f"note: {list_counts(told)}"] if told else [])


def list_counts(counts: Mapping[str, int]) -> str:
    """`a (2), b (1)`, the first twenty."""
    named = [f"{name} ({count})" for name, count in list(counts.items())[:_MOST_COUNTS]]
    return ", ".join(named) + (f" and {len(counts) - _MOST_COUNTS} more" if len(counts) > _MOST_COUNTS else "")


def find_foreign_format(path: Path) -> Format | None:
    """The format of a file of JSON; None for our own, and where no row says what it is: ours then says what is wrong.

    Raises:
        DataError: No such file, or one of another kind.
    """
    file = open_file(path)
    if file.kind != "json":
        fix = f"run `errata data import {path} --out DIR` first"
        raise DataError(str(path), expected="records as JSON lines", found=f"a file of {file.kind}", fix=fix)
    try:
        known = find_file_format(file)
    except DataError:
        if not path.is_file():
            raise
        return None
    return None if known is JSON_LINES else known


def find_file_format(file: SourceFile, *, with_columns: bool = False, ignore: Collection[str] = ()) -> Format | None:
    """The format of the first row that is of any; None where a file has no rows.

    Args:
        file: The file.
        with_columns: The user named columns; see `recognise`.
        ignore: Columns that count as if they were not there.

    Raises:
        DataError: No row of the file, of the first thousand, is of a known format.
    """
    known = recognise_file(file.path) if file.path.is_file() else None
    if known is not None:
        return known
    names: Iterable[str] = file.columns() or ()
    broken, seen = False, Row()
    for raw in islice(file.rows(), LOOKED_AT):
        try:
            row = {name: value for name, value in raw.read().items() if name not in ignore}
        except DataError:
            broken = True
            continue
        known = recognise(Sample(file.path, file.kind, row), with_columns=with_columns)
        if known is not None:
            return known
        if file.kind == "json":
            seen = seen or row
        names = names or row.keys()
    if seen:  # a row that says nothing by its values says no more by its names
        raise _build_unknown(file, seen)
    left = dict.fromkeys(name for name in names if name not in ignore)
    return _recognise_columns(file, left, broken=broken)


def _recognise_columns(file: SourceFile, row: Row, *, broken: bool) -> Format | None:
    """What a file without a row of a known format is of: its columns may still say it."""
    known = recognise(Sample(file.path, file.kind, row))
    if known is not None:
        return known
    if not row:
        return JSON_LINES if broken else None  # read as our own, every row says what is wrong with it
    raise _build_unknown(file, row)


def _build_unknown(file: SourceFile, row: Row) -> DataError:
    return DataError(
        str(file.path),
        expected="rows of a known format: " + ", ".join(known.name for known in FORMATS),
        found="columns " + ", ".join(map(str, row)),
        fix=suggest_columns(row),
    )
