"""Our own records: JSON lines with image files beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from errata.data.containers import Row
from errata.data.formats.format import Format, ReadContext, Sample, WriteContext
from errata.records import Record, parse_record, record_to_row


def _recognise(sample: Sample) -> bool:
    return sample.kind == "json" and "responses" in sample.names


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    record = parse_record(row, context.where)
    if context.images.folder is None:  # who opens the images tells what is wrong with them
        return [record]
    return [replace(record, images=context.store(record.images))]


def _write_row(record: Record, context: WriteContext) -> Iterator[Row]:
    yield record_to_row(replace(record, images=tuple(context.place(image) for image in record.images)))


JSON_LINES = Format(
    "errata",
    "Errata's records (JSON lines)",
    _recognise,
    _read_row,
    unique_ids=True,
    find_segments=False,
    write_row=_write_row,
    ending="jsonl",
)
