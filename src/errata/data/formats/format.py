"""What a foreign format is to this room: a value that says how it is recognised, read and written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from errata.data.image_store import ImageStore
from errata.data.rows import RawRow, Row
from errata.errors import DataError
from errata.records import Record


@dataclass(frozen=True, slots=True)
class Sample:
    """What a format is recognised by: one row, and the file that it stands in.

    `kind` is the container: "parquet", "arrow", "json" (lines or an array), "csv", "tsv" or "hub".
    """

    path: Path
    kind: str
    row: Row

    @property
    def names(self) -> frozenset[str]:
        """The row's keys, or the table's columns."""
        return frozenset(self.row)


@dataclass(frozen=True, slots=True)
class ReadContext:
    """Where a row stands, and where what it holds goes.

    Args:
        where: `file:line` or `file: row n`; begins every error.
        path: The file.
        kind: Its container, as in `Sample`.
        number: The row's line or number in its file, from 1.
        images: Takes the pictures.
        columns: Which column holds what, as the user said (`prompt` -> `instruction`); empty where nothing was said.
        notes: Counts what a row held that a record has no place for, by name; told at the end.
        told: Counts what was read otherwise than it stands there, by name; told at the end.
        unread: Counts the columns that no format reads, by name; told at the end.
    """

    where: str
    path: Path
    kind: str
    number: int
    images: ImageStore
    columns: Mapping[str, str] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)

    def error(self, expected: str, found: str, fix: str = "fix the row", code: str = "") -> DataError:
        """An error of this row, to be raised."""
        return DataError(self.where, expected=expected, found=found, fix=fix, code=code)

    def store(self, pictures: Iterable[Any]) -> tuple[str, ...]:
        """The paths of pictures in any form that `ImageStore.add` takes."""
        return tuple(self.images.add(picture, self.where) for picture in pictures)

    def build_record(self, **fields: Any) -> Record:
        """A record of these fields; what is wrong with them is told with the row's place."""
        try:
            return Record(**fields)
        except DataError as error:
            raise error.within(self.where) from None


@dataclass(slots=True)
class WriteContext:
    """What the writer of a row may ask for.

    Args:
        embed: An image's path -> `{"bytes", "path"}`, for a table that holds its pictures.
        place: An image's path -> the path of its copy, relative to the written file.
        dropped: Counts what the format has no place for, by name; told at the end.
        number: Of the row that is written next, from 0.
    """

    embed: Callable[[str], dict[str, Any]]
    place: Callable[[str], str]
    dropped: Counter[str] = field(default_factory=Counter)
    number: int = 0

    def drop(self, what: str, count: int = 1) -> None:
        """Note something that is lost."""
        if count:
            self.dropped[what] += count


def reads(*names: str) -> Callable[[Row], Collection[str]]:
    """The same columns of every row, as `Format.reads`."""
    columns = frozenset(names)
    return lambda row: columns  # noqa: ARG005


def refuse(record: Record, expected: str, found: str) -> DataError:
    """The error of a record that a format cannot hold at all, to be raised."""
    fix = "leave the record out, or keep our own JSON lines or Parquet"
    return DataError(f"record {record.id!r}", expected=expected, found=found, fix=fix)


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Args:
        name: What `--format` calls it.
        title: What people call it, for the table in docs/formats.md.
        recognise: Whether a sample is of this format. Formats are asked in the registry's order; the first yes counts.
        read_row: One row -> its records, mostly one. Segments may be left out where a format has none: the reader finds
            them by a word-level difference. Raises DataError by `ReadContext.error`.
        reads: The columns of a row that it reads, besides those of pictures; whatever else a row holds is kept in
            `meta`, and a row is refused where that could be a question, an answer or a picture. None where the format
            itself says what is wrong with any other column.
        rename: Gives a row's columns their usual names before it is read, where a file beside it says other ones.
        recognise_file: Whether a file is of this format, by its name or its first bytes; asked before any row is read,
            for formats that `read_rows`.
        takes_columns: It reads what `--columns` says; formats with fixed columns are not asked then.
        read_rows: Reads the file itself, where it is no plain parquet, JSON, CSV or TSV.
        unique_ids: A repeated id is an error; otherwise it is made new, as released files repeat theirs.
        find_segments: The reader finds the segments that rows lack; False for our own formats, which have a place
            for them.
        write_row: One record -> its rows. Raises DataError by `refuse` for a record that it cannot hold at all, and
            calls `WriteContext.drop` for a part that it cannot hold.
        schema: The columns of a written table; None where JSON is written.
        ending: Of the written file: "parquet", "json" (one array) or "jsonl".
        write_beside: Called with the written file and the number of its rows; writes what stands beside it and returns
            those paths (LLaMA-Factory's dataset_info.json).
        columns: Of JSON, the columns and their types as a card says them (`dataset_info: features:`). Without them
            `datasets` takes what the first ten megabytes of JSON lines hold for all there is.
        leads: Of JSON lines, which rows have a value of every column's type; see `lead_with`.
        usage: What a card says about training on the folder.
    """

    name: str
    title: str
    recognise: Callable[[Sample], bool]
    read_row: Callable[[Row, ReadContext], Iterable[Record]]
    reads: Callable[[Row], Collection[str]] | None = None
    rename: Callable[[Row, ReadContext], Row] | None = None
    recognise_file: Callable[[Path], bool] | None = None
    takes_columns: bool = False
    read_rows: Callable[[Path], Iterable[RawRow]] | None = None
    unique_ids: bool = False
    find_segments: bool = True
    write_row: Callable[[Record, WriteContext], Iterable[Row]] | None = None
    schema: pa.Schema | None = None
    ending: str = "parquet"
    write_beside: Callable[[Path, int], list[Path]] | None = None
    columns: tuple[Mapping[str, Any], ...] = ()
    leads: Callable[[Row], bool] | None = None
    usage: str = ""

    @property
    def is_own(self) -> bool:
        """Whether it is one of Errata's own, whose pictures are opened by Errata."""
        return not self.find_segments
