"""Pairs and pictures to measure with: RLAIF-V's form as Parquet, and the same pairs as our own records."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

IMAGE_BYTES = 50_000
"""Of a picture in a table."""


def write_rows(path: Path, rows: int) -> None:
    """RLAIF-V's columns; every picture differs in its last bytes, which stand behind its end mark."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from errata.data.formats.rlaifv import SCHEMA

    rng, picture = random.Random(0), build_picture()
    with pq.ParquetWriter(path, SCHEMA, compression="none") as writer:
        for start in range(0, rows, 100):
            group = [build_row(number, picture, rng) for number in range(start, min(start + 100, rows))]
            writer.write_table(pa.Table.from_pylist(group, SCHEMA))


def write_own(path: Path, rows: int) -> None:
    """The same pairs as records of ours, with the segments that an import finds."""
    from errata.corrections import diff_segments
    from errata.records import Record, Response, Turn, write_records

    def build(number: int, row: dict[str, Any]) -> Record:
        segments = diff_segments(row["rejected"], row["chosen"])
        best = Response((Turn("assistant", row["chosen"]),), 0)
        worse = Response((Turn("assistant", row["rejected"]),), 1, tuple(segments), "LLaVA")
        prompt = (Turn("user", row["question"]),)
        return Record(f"r{number}", (f"{number}.jpg",), prompt, (best, worse), "made", "CC0")

    rng = random.Random(0)
    write_records(path, (build(number, build_row(number, b"", rng)) for number in range(rows)))


def write_pictures(folder: Path, count: int) -> None:
    """As many JPEG files that differ: soft patches of colour with some grain, which take what photos take."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    grain = rng.normal(0, 6, (336, 448, 3))
    for number in range(count):
        patches = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize((448, 336), 3)
        pixels = (np.asarray(patches) + grain).clip(0, 255).astype(np.uint8)
        (folder / f"{number}.jpg").write_bytes(encode(Image.fromarray(pixels), 85))


def build_row(number: int, picture: bytes, rng: random.Random) -> dict[str, Any]:
    """A pair whose answers share half of their sentences."""
    sentences = [build_sentence(rng) for _ in range(rng.randint(3, 9))]
    other = [sentence if rng.random() < 0.5 else build_sentence(rng) for sentence in sentences]
    other[0] = build_sentence(rng)
    return {
        "ds_name": "RLAIF-V",
        "image": {"bytes": picture + number.to_bytes(4, "big"), "path": f"{number}.jpg"},
        "question": "Please describe this image in detail.",
        "chosen": " ".join(sentences),
        "rejected": " ".join(other),
        "origin_dataset": "COCO",
        "origin_split": json.dumps({"model": "LLaVA", "type": "detailed_description"}),
        "idx": str(number),
        "image_path": f"coco/{number}.jpg",
    }


def build_sentence(rng: random.Random) -> str:
    """Ten words or so, rare ones rarely (Zipf's law)."""
    words = [f"word{int(rng.paretovariate(0.8))}" for _ in range(rng.randint(6, 14))]
    return " ".join(words).capitalize() + "."


def build_picture() -> bytes:
    """A JPEG of noise, about as large as asked."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (336, 448, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    return min((encode(image, quality) for quality in range(5, 95, 5)), key=lambda data: abs(len(data) - IMAGE_BYTES))


def encode(image: Any, quality: int) -> bytes:
    """The file's bytes at a quality of JPEG."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()
