"""RLAIF-V's parquet: as RLHF-V's, with the question and the answers in columns of their own (arXiv 2405.17220).

Columns are `ds_name, image {bytes, path}, question, chosen, rejected, origin_dataset, origin_split, idx, image_path`;
`idx` is text, `origin_split` JSON. A column `logps` holds log-probs of some reference model, which are left behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from errata.data.formats.format import Format, ReadContext, Sample, WriteContext, reads
from errata.data.formats.origin import COLUMNS, IMAGE, ORIGIN_COLUMNS, PairTexts, build_pair, build_schema, write_pairs
from errata.data.formats.parts import STATED
from errata.data.rows import Row
from errata.records import Record

SCHEMA = build_schema(
    [
        ("ds_name", pa.string()),
        ("image", IMAGE),
        ("question", pa.string()),
        ("chosen", pa.string()),
        ("rejected", pa.string()),
        ("origin_dataset", pa.string()),
        ("origin_split", pa.string()),
        ("idx", pa.string()),
        ("image_path", pa.string()),
    ]
)


def _recognise(sample: Sample) -> bool:
    return {"question", "chosen", "rejected", "image"} <= sample.names and not ORIGIN_COLUMNS.isdisjoint(sample.names)


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    for name in PairTexts._fields:
        if not isinstance(row.get(name), str):
            raise context.error(f"{name!r} as text", f"{type(row.get(name)).__name__}")
    context.notes["cached log-probs"] += row.get("logps") is not None
    yield build_pair(row, PairTexts(*(row[name] for name in PairTexts._fields)), context)


def _write_row(record: Record, context: WriteContext) -> Iterator[Row]:
    for columns, texts in write_pairs(record, context, str):
        yield columns | texts._asdict()


RLAIFV = Format(
    "rlaifv",
    "RLAIF-V (parquet)",
    _recognise,
    _read_row,
    reads=reads(*COLUMNS, *PairTexts._fields, *STATED),
    write_row=_write_row,
    schema=SCHEMA,
)
