"""One row through a format, without the files around it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from errata.data.formats.format import Format, ReadContext, Sample, WriteContext
from errata.data.formats.unread import read_records
from errata.data.image_store import ImageStore
from errata.records import Record

WHERE = "data.json:7"


def read_row(known: Format, row: dict, *, root: Path = Path("/nowhere"), **context) -> list[Record]:
    """The records of a row that stands in `root`/data.json; images keep their paths."""
    images = ImageStore(None, root=root)
    values = {"where": WHERE, "path": root / "data.json", "kind": "json", "number": 7, "images": images} | context
    return read_records(known, row, ReadContext(**values))


def write_row(known: Format, record: Record) -> tuple[list[dict], Counter[str]]:
    """The rows of a record, and what they have no place for."""
    dropped: Counter[str] = Counter()
    context = WriteContext(embed=lambda path: {"bytes": b"", "path": path}, place=lambda path: path, dropped=dropped)
    return list(known.write_row(record, context)), +dropped


def recognises(known: Format, row: dict, *, path: Path = Path("/nowhere/data.json"), kind: str = "json") -> bool:
    """Whether the format takes this for its first row."""
    return known.recognise(Sample(path, kind, row))
