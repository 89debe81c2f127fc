"""RLHF-V's parquet: one image, one question, a chosen and a rejected answer a row (arXiv 2312.00849).

Columns are `ds_name, image {bytes, path}, text, origin_dataset, origin_split, idx, image_path`; `text` is JSON with
`question, chosen, rejected`, `origin_split` is JSON (in older files base64 of JSON). The file stores strings only, so
segments are found again by a word-level difference, and types are lost on the way out.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from errata.corrections import diff_segments
from errata.data.images import decode_image, resolve_image, store_image
from errata.data.parquet import write_parquet
from errata.errors import DataError
from errata.records import IMAGE_PLACEHOLDER, Record, Response, Turn
from errata.records.lines import parse_line

TEXT_KEYS = ("question", "chosen", "rejected")
LICENSE = "CC BY-NC 4.0"
"""The licence of the released rows, which carry `ds_name` "RLHF-V"."""

SCHEMA = pa.schema(
    [
        ("ds_name", pa.string()),
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("text", pa.string()),
        ("origin_dataset", pa.string()),
        ("origin_split", pa.string()),
        ("idx", pa.int64()),
        ("image_path", pa.string()),
    ]
)
_FEATURES = {
    name: {"dtype": str(kind), "_type": "Value"} if name != "image" else {"_type": "Image"}
    for name, kind in zip(SCHEMA.names, SCHEMA.types, strict=True)
}
_METADATA = {"huggingface": json.dumps({"info": {"features": _FEATURES}})}  # lets `datasets` show the pictures


def is_rlhfv(columns: Iterable[str]) -> bool:
    """Whether a parquet file with these columns has RLHF-V's form."""
    return {"text", "image"} <= set(columns)


def record_from_rlhfv(row: Mapping[str, Any], where: str, out: str | Path) -> Record:
    """One row as a record; its picture is written to `out`/images/.

    Raises:
        DataError: It begins with `where`: a missing column, a text that is not the JSON it should be, a broken picture.
    """
    question, chosen, rejected = _read_texts(row, where)
    origin = _read_origin(row.get("origin_split"))
    number = row["idx"] if row.get("idx") is not None else where.rpartition(" ")[2]
    name = store_image(_read_bytes(row, where), Path(out) / "images", where)
    dataset = str(row.get("ds_name") or "RLHF-V")
    meta = {key: row[key] for key in ("origin_dataset", "idx", "image_path") if row.get(key) is not None}
    worse = Response((Turn("assistant", rejected),), 1, diff_segments(rejected, chosen), _take_text(origin, "model"))
    try:
        return Record(
            id=f"{dataset}-{number}",
            images=(f"images/{name}",),
            prompt=(Turn("user", question),),
            responses=(Response((Turn("assistant", chosen),), 0), worse),
            source=dataset,
            license=_take_text(origin, "license") or (LICENSE if dataset.startswith("RLHF-V") else None),
            meta=meta | ({"origin_split": origin} if origin else {}),
        )
    except DataError as error:
        raise DataError(f"{where}: {error.where}", expected=error.expected, found=error.found, fix=error.fix) from None


def write_rlhfv(path: str | Path, records: Iterable[Record], image_root: str | Path) -> dict[str, int]:
    """Write records as RLHF-V's parquet, one row for each response below level 0.

    Args:
        path: The file; it appears whole or not at all.
        records: One image, one question and one-round answers each.
        image_root: Where relative image paths start.

    Returns:
        What the format cannot hold, with how often it was dropped: `segment types`, `levels`, `meta`.

    Raises:
        DataError: A record that is no pair about one image, or whose image does not open.
    """
    dropped: Counter[str] = Counter()
    write_parquet(path, SCHEMA.with_metadata(_METADATA), _build_rows(records, image_root, dropped))
    return dict(dropped)


def _build_rows(records: Iterable[Record], root: str | Path, dropped: Counter[str]) -> Iterator[dict[str, Any]]:
    number = 0
    for record in records:
        _require_pair(record)
        file = resolve_image(record.images[0], root)
        data = _read_file(file, record)
        dropped["meta"] += bool(record.meta)
        dropped["levels"] += len(set(record.levels)) > 2
        for response in record.responses:
            if response.level == 0:
                continue
            dropped["segment types"] += sum(segment.type is not None for segment in response.segments)
            texts = (_strip_placeholder(record.prompt[0].text), record.responses[0].text, response.text)
            yield {
                "ds_name": record.source or "errata",
                "image": {"bytes": data, "path": file.name},
                "text": json.dumps(dict(zip(TEXT_KEYS, texts, strict=True)), ensure_ascii=False),
                "origin_dataset": record.source or "",
                "origin_split": _format_origin(record, response),
                "idx": number,
                "image_path": record.images[0],
            }
            number += 1


def _read_file(file: Path, record: Record) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(
            f"record {record.id!r}: {record.images[0]}",
            expected="a readable image",
            found=error.strerror or str(error),
            fix="check --image-root",
        ) from None
    decode_image(data, f"record {record.id!r}: {record.images[0]}")
    return data


def _require_pair(record: Record) -> None:
    """Raise DataError for what RLHF-V's columns have no place for."""
    rounds = {len(response.turns) for response in record.responses}
    if len(record.images) != 1 or len(record.prompt) != 1 or rounds != {1} or record.levels[-1] == 0:
        raise DataError(
            f"record {record.id!r}",
            expected="one image, one question and a better and a worse answer of one round",
            found=f"{len(record.images)} images, {len(record.prompt)} turns, levels {list(record.levels)}",
            fix="leave the record out or keep our own JSON lines",
        )


def _format_origin(record: Record, response: Response) -> str:
    origin = {"id": record.id, "model": response.model, "license": record.license}
    return json.dumps({key: value for key, value in origin.items() if value}, ensure_ascii=False)


def _strip_placeholder(question: str) -> str:
    return question.replace(IMAGE_PLACEHOLDER, "").strip()


def _read_texts(row: Mapping[str, Any], where: str) -> tuple[str, str, str]:
    texts = parse_line(f"{where}: 'text'", str(row.get("text")).encode())
    question, chosen, rejected = (texts.get(key) if isinstance(texts, dict) else None for key in TEXT_KEYS)
    if not all(isinstance(text, str) for text in (question, chosen, rejected)):
        raise DataError(
            where,
            expected="'text' as JSON with the texts question, chosen and rejected",
            found=str(row.get("text"))[:80],
            fix="fix the row",
        )
    return str(question), str(chosen), str(rejected)


def _read_bytes(row: Mapping[str, Any], where: str) -> bytes:
    image = row.get("image")
    data = image.get("bytes") if isinstance(image, Mapping) else image
    if not isinstance(data, bytes):
        raise DataError(
            where, expected="the image's bytes in the row", found="none", fix="write the file with its images embedded"
        )
    return data


def _read_origin(value: Any) -> dict[str, Any]:
    """`origin_split` as an object: JSON, base64 of JSON, or any other text under "text"."""
    for decode in (str, lambda text: base64.b64decode(text, validate=True).decode("utf-8")):
        try:
            origin = json.loads(decode(value or ""))
        except (ValueError, TypeError):
            continue
        if isinstance(origin, dict):
            return origin
    return {"text": str(value)} if value else {}


def _take_text(origin: dict[str, Any], name: str) -> str | None:
    value = origin.get(name)
    return value if isinstance(value, str) and value else None
