"""Where records come from: a file that is read one record at a time, and knows where each of them stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from errata.data.import_records import RECORDS_FILE, OnProgress
from errata.data.reading import OnBad, find_foreign_format
from errata.data.text_limits import require_text
from errata.errors import DataError
from errata.records import BadRow, Record, iterate_records, record_to_row


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
