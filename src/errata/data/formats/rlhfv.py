"""RLHF-V's parquet: one image, one question, a chosen and a rejected answer a row (arXiv 2312.00849).

Columns are `ds_name, image {bytes, path}, text, origin_dataset, origin_split, idx, image_path`; `text` is JSON with
`question, chosen, rejected` and perhaps `logps`, the log-probs of some reference model, which belong to that model and
are left behind; `origin_split` is JSON (in older files base64 of JSON). The file stores strings only, so types of
segments are lost on the way out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import pyarrow as pa

from errata.data.formats.format import Format, ReadContext, Sample, WriteContext, reads
from errata.data.formats.origin import COLUMNS, IMAGE, ORIGIN_COLUMNS, PairTexts, build_pair, build_schema, write_pairs
from errata.data.formats.parts import STATED
from errata.data.rows import Row
from errata.errors import quote
from errata.records import Record
from errata.storage import parse_line

TEXT_KEYS = ("question", "chosen", "rejected")
SCHEMA = build_schema(
    [
        ("ds_name", pa.string()),
        ("image", IMAGE),
        ("text", pa.string()),
        ("origin_dataset", pa.string()),
        ("origin_split", pa.string()),
        ("idx", pa.int64()),
        ("image_path", pa.string()),
    ]
)


def _recognise(sample: Sample) -> bool:
    if not {"text", "image"} <= sample.names or {"question", "chosen", "conversations"} & sample.names:
        return False
    text = sample.row.get("text")  # captions have these two columns too
    return not ORIGIN_COLUMNS.isdisjoint(sample.names) or (isinstance(text, str) and '"rejected"' in text)


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    texts = parse_line(f"{context.where}: 'text'", str(row.get("text")).encode("utf-8", "surrogatepass"))
    named = texts if isinstance(texts, dict) else {}
    if not all(isinstance(named.get(key), str) for key in TEXT_KEYS):
        found = quote(row.get("text"))
        raise context.error("'text' as JSON with the texts question, chosen and rejected", found)
    context.notes["cached log-probs"] += "logps" in named
    yield build_pair(row, PairTexts(*(named[key] for key in TEXT_KEYS)), context)


def _write_row(record: Record, context: WriteContext) -> Iterator[Row]:
    for columns, texts in write_pairs(record, context, int):
        text = json.dumps(dict(zip(TEXT_KEYS, texts, strict=True)), ensure_ascii=False)
        yield columns | {"text": text}


RLHFV = Format(
    "rlhfv",
    "RLHF-V (parquet)",
    _recognise,
    _read_row,
    reads=reads(*COLUMNS, "text", *STATED),
    write_row=_write_row,
    schema=SCHEMA,
)
