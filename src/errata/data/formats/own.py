"""Our own records: JSON lines with image files beside them, and Parquet with the images inside. Neither loses any."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace

import pyarrow as pa

from errata.data.formats.format import Format, ReadContext, Sample, WriteContext
from errata.data.formats.origin import IMAGE, build_schema
from errata.data.rows import Row
from errata.records import Record, parse_record, record_to_row
from errata.storage import parse_line


def _recognise(sample: Sample) -> bool:
    names = sample.names  # Argilla's have `fields` and `responses` too
    if sample.kind != "json" or "responses" not in names or not names & {"id", "prompt"} or "fields" in names:
        return False
    responses = sample.row["responses"]  # a list of texts is somebody else's
    return not (isinstance(responses, list) and responses and all(isinstance(one, str) for one in responses))


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
    # Prompts and answers have a short form, and `meta` has fields of its owner's: no other type holds all of them.
    columns=(
        {"name": "id", "dtype": "string"},
        {"name": "images", "list": "string"},
        {"name": "prompt", "dtype": "json"},
        {"name": "responses", "dtype": "json"},
        {"name": "source", "dtype": "string"},
        {"name": "license", "dtype": "string"},
        {"name": "meta", "dtype": "json"},
    ),
)


_TURNS = pa.list_(pa.struct([("role", pa.string()), ("text", pa.string())]))
_OFFSETS = [(name, pa.int64()) for name in ("start", "end", "better_start", "better_end")]
_SEGMENTS = pa.list_(pa.struct([*_OFFSETS, ("type", pa.string()), ("round", pa.int64())]))
_RESPONSE = [("level", pa.int64()), ("turns", _TURNS), ("segments", _SEGMENTS), ("model", pa.string())]

SCHEMA = build_schema(
    [
        ("id", pa.string()),
        ("images", pa.list_(IMAGE)),
        ("prompt", _TURNS),
        ("responses", pa.list_(pa.struct(_RESPONSE))),
        ("source", pa.string()),
        ("license", pa.string()),
        ("meta", pa.string()),
    ]
)
"""`meta` is JSON: its fields differ from row to row, and a table's columns must not."""


def _recognise_table(sample: Sample) -> bool:
    return sample.kind != "json" and "responses" in sample.names and "fields" not in sample.names


def _read_table_row(row: Row, context: ReadContext) -> Iterable[Record]:
    meta = row.get("meta")
    if isinstance(meta, str):
        meta = parse_line(f"{context.where}: 'meta'", meta.encode("utf-8", "surrogatepass"))
    images = list(context.store(row.get("images") or ()))
    return [parse_record(row | {"images": images, "meta": meta or {}}, context.where)]


def _write_table_row(record: Record, context: WriteContext) -> Iterator[Row]:
    row = {"id": record.id, "images": [context.embed(image) for image in record.images]}
    row |= {name: [asdict(part) for part in getattr(record, name)] for name in ("prompt", "responses")}
    meta = json.dumps(record.meta, ensure_ascii=False, allow_nan=False) if record.meta else None
    yield row | {"source": record.source, "license": record.license, "meta": meta}


PARQUET = Format(
    "parquet",
    "Errata's records (Parquet with images)",
    _recognise_table,
    _read_table_row,
    unique_ids=True,
    find_segments=False,
    write_row=_write_table_row,
    schema=SCHEMA,
)
