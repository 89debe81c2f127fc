"""Rows as other projects write them, for tests of every format."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from errata.data.formats.rlaifv import SCHEMA as RLAIFV_SCHEMA


def picture(colour: str = "red", kind: str = "PNG", size: tuple[int, int] = (4, 3)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, kind)
    return stream.getvalue()


def save_pictures(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture(("red", "green", "blue")[number % 3]))


def rlaifv_row(**fields: Any) -> dict[str, Any]:
    return {
        "ds_name": "RLAIF-V",
        "image": {"bytes": picture(), "path": "x.png"},
        "question": "What is it?",
        "chosen": "A red cube.",
        "rejected": "A red ball.",
        "origin_dataset": "COCO",
        "origin_split": json.dumps({"model": "OmniLMM", "type": "detailed_description"}),
        "idx": "7",
        "image_path": "coco/x.png",
    } | fields


def write_parquet(path: Path, rows: list[dict[str, Any]], schema: pa.Schema | None = RLAIFV_SCHEMA) -> Path:
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
    return path


def write_lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def tsv_line(*texts: Any, image: bytes | None = None, idx: str = "3") -> bytes:
    coded = [base64.b64encode(data) for data in (image or picture(), json.dumps(list(texts)).encode())]
    return b"\t".join([b"RLHF-V", *coded, b"COCO", b'{"model": "Muffin"}', idx.encode(), b"coco/x.png"]) + b"\n"


def vlfeedback_row(*ratings: tuple[str, str, str], **fields: Any) -> dict[str, Any]:
    aspects = ("Helpfulness", "Ethical Considerations", "Visual Faithfulness")
    completions = [
        {
            "annotations": {
                aspect: {"Rating": rating, "Rationale": "Since."} for aspect, rating in zip(aspects, each, strict=True)
            },
            "model": f"model{number}",
            "response": f"It is number {number}.",
        }
        for number, each in enumerate(ratings)
    ]
    models = [completion["model"] for completion in completions]
    return {"id": "v1", "prompt": "What?", "models": models, "completions": completions, "img_path": "a.png"} | fields


def amp_row(*texts: str, **fields: Any) -> dict[str, Any]:
    outputs = {
        f"output_{number}": [
            {"from": "human", "value": "<image>\nWhat is it?"},
            {"from": "gpt", "value": text},
            {"from": "human", "value": "Its colour?"},
            {"from": "gpt", "value": f"Red{number}."},
        ]
        for number, text in enumerate(texts, 1)
    }
    return {"image": "a.png"} | outputs | fields


def llava_rlhf_row(**fields: Any) -> dict[str, Any]:
    return {
        "id": "000000033471",
        "image": "a.png",
        "conversations": [
            {"from": "human", "value": "<image>\nWhat is it?"},
            {"from": "gpt", "value": "A bus."},
            {"from": "human", "value": "Its colour?"},
        ],
        "output_1": {"from": "llava", "value": "Red."},
        "output_2": {"from": "llava", "value": "Blue."},
        "preference": 2,
        "hallucination": True,
    } | fields
