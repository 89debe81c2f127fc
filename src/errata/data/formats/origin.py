"""The columns that RLHF-V's and RLAIF-V's tables share: a pair's picture, where it came from, and its number.

A row is of a release where its `ds_name` says so: others use the same columns for data of their own, under terms of
their own. `origin_split` is a JSON object about the row's origin. What a record says and the columns have no place for
(an id, a model, a licence of its own) goes there under "errata" and is taken out again, so that a row that came in goes
out the same.

What Hub tables with pictures have in common: the columns' types, and the note that lets `datasets` show them.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from errata.data.formats.format import ReadContext, WriteContext, refuse
from errata.data.formats.parts import require_plain_answers, take_license, take_meta, take_text
from errata.data.formats.pictures import list_images
from errata.data.rows import Row
from errata.errors import count_noun, quote
from errata.records import IMAGE_PLACEHOLDER, Record, Response, Turn

OWN = "errata"
ORIGIN_COLUMNS = frozenset({"ds_name", "origin_dataset", "origin_split"})
"""Columns that tell a release's table from anybody's rows of a question and two answers."""

COLUMNS = frozenset({*ORIGIN_COLUMNS, "idx", "image_path", "logps"})
"""Those that `build_pair` reads, or leaves behind, besides the texts and the picture."""

_KEPT = ("origin_dataset", "idx", "image_path")
_RELEASES = {"RLHF-V": "CC BY-NC 4.0", "RLAIF-V": "CC BY-NC 4.0"}
_RELEASE_NAME = re.compile(r"(RLHF-V|RLAIF-V)([-_](Dataset|Hall)[\w.-]*)?")


class PairTexts(NamedTuple):
    """What one row says."""

    question: str
    chosen: str
    rejected: str


def build_pair(row: Row, texts: PairTexts, context: ReadContext) -> Record:
    """A row as a record of two levels, of the source and under the licence that it states."""
    origin, own = _read_origin(row.get("origin_split"))
    dataset = take_text(row, "ds_name")
    columns = {key: row[key] for key in _KEPT if row.get(key) is not None}
    idx = row["idx"] if row.get("idx") is not None else context.number
    defaults = _find_defaults(dataset or "", idx, origin, texts.question)
    kept = _merge(defaults, own, context)
    best = Response((Turn("assistant", texts.chosen),), 0, (), kept["best_model"])
    return context.build_record(
        id=kept["id"] or f"{context.path.stem}-{idx}",
        images=context.store(list_images(row, context)),
        prompt=(Turn("user", kept["prompt"] or texts.question),),
        responses=(best, Response((Turn("assistant", texts.rejected),), 1, (), kept["model"])),
        source=dataset,
        license=take_license(row) or kept["license"],
        meta=take_meta(columns | ({"origin_split": origin} if origin else {}), context, ()),
    )


def write_pairs(
    record: Record, context: WriteContext, idx_type: type[int] | type[str]
) -> Iterator[tuple[Row, PairTexts]]:
    """The shared columns and the texts of every answer below level 0; `idx` is what the record says, or a number.

    Raises:
        DataError: The record is no pair about one image, or an answer holds a picture's mark.
    """
    _require_pair(record)
    require_plain_answers(record)
    context.drop("meta", len(record.meta.keys() - {*_KEPT, "origin_split"}))
    context.drop("levels", len(set(record.levels)) > 2)
    best, *others = record.responses
    context.drop("ties with the best answer", sum(response.level == 0 for response in others))
    image = context.embed(record.images[0])
    for response in others:
        if response.level == 0:
            continue
        context.drop("segment types", sum(segment.type is not None for segment in response.segments))
        columns = {
            "ds_name": record.source or "",
            "image": image,
            "origin_dataset": str(record.meta.get("origin_dataset", record.source or "")),
            "idx": _find_idx(record, context, idx_type),
            "image_path": str(record.meta.get("image_path", record.images[0])),
        }
        question = _strip_placeholder(record.prompt[0].text)
        texts = PairTexts(question, best.text, response.text)
        yield columns | {"origin_split": _format_origin(record, response, columns, texts)}, texts


def _find_idx(record: Record, context: WriteContext, kind: type[int] | type[str]) -> int | str:
    """The record's, where the column can hold it, or the row's number."""
    try:
        idx = kind(record.meta.get("idx", context.number))
    except (TypeError, ValueError):
        return context.number
    return idx if isinstance(idx, str) or -(2**63) <= idx < 2**63 else context.number


def _find_defaults(dataset: str, idx: Any, origin: Mapping[str, Any], question: str) -> dict[str, str | None]:
    """What a row without "errata" means."""
    release = _RELEASE_NAME.fullmatch(dataset)
    licence = take_text(origin, "license") or (_RELEASES[release[1]] if release else None)
    return {
        "id": f"{dataset}-{idx}" if dataset else None,
        "model": take_text(origin, "model"),
        "best_model": None,
        "license": licence,
        "prompt": question,
    }


def _merge(defaults: dict[str, str | None], own: Mapping[str, Any], context: ReadContext) -> dict[str, str | None]:
    for name, value in own.items():
        if name not in defaults or not isinstance(value, (str, type(None))):
            raise context.error(f"texts named {', '.join(defaults)} under 'errata'", f"{name}: {quote(value)}")
    return {**defaults, **own}


def _format_origin(record: Record, response: Response, columns: Row, texts: PairTexts) -> str:
    """`origin_split` as it came in, with what the row would otherwise not say."""
    origin = record.meta.get("origin_split", {})
    origin = origin if isinstance(origin, dict) else {"text": str(origin)}
    defaults = _find_defaults(columns["ds_name"], columns["idx"], origin, texts.question)
    said = {
        "id": record.id,
        "model": response.model,
        "best_model": record.responses[0].model,
        "license": record.license,
        "prompt": record.prompt[0].text,
    }
    own = {name: value for name, value in said.items() if value != defaults[name]}
    return json.dumps(origin | ({OWN: own} if own else {}), ensure_ascii=False)


def _strip_placeholder(question: str) -> str:
    return question.replace(IMAGE_PLACEHOLDER, "").strip() if IMAGE_PLACEHOLDER in question else question


def _require_pair(record: Record) -> None:
    """Raise DataError for what the columns have no place for."""
    rounds = {len(response.turns) for response in record.responses}
    if len(record.images) != 1 or len(record.prompt) != 1 or rounds != {1} or record.levels[-1] == 0:
        expected = "one image, one question and a better and a worse answer of one round"
        asked = f"{count_noun(len(record.images), 'image')}, {count_noun(len(record.prompt), 'turn')} in the prompt"
        most = max(len(response.rounds) for response in record.responses)
        found = f"{asked}, answers of {count_noun(most, 'round')}, levels {list(record.levels)}"
        raise refuse(record, expected, found)


def _read_origin(value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """`origin_split` as an object (JSON, base64 of JSON, or any other text under "text"), and its "errata"."""
    origin = _parse_origin(value)
    own = origin.pop(OWN, None)
    return origin, own if isinstance(own, dict) else {}


def _parse_origin(value: Any) -> dict[str, Any]:
    for decode in (str, lambda text: base64.b64decode(text, validate=True).decode("utf-8")):
        try:
            origin = json.loads(decode(value or ""))
        except (ValueError, TypeError, RecursionError):
            continue
        if isinstance(origin, dict):
            return origin
    return {"text": str(value)} if value else {}


IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""How `datasets` stores a picture."""


def build_schema(columns: list[tuple[str, pa.DataType]]) -> pa.Schema:
    """A schema of these columns in order, with the features that `datasets` reads from a file."""
    features = {name: _describe(kind) for name, kind in columns}
    return pa.schema(columns, {"huggingface": json.dumps({"info": {"features": features}})})


def _describe(kind: pa.DataType) -> Any:
    if kind.equals(IMAGE):
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return {"feature": _describe(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {kind.field(i).name: _describe(kind.field(i).type) for i in range(kind.num_fields)}
    return {"dtype": str(kind), "_type": "Value"}
