"""Records and pictures to shape: small, with pictures that are copies of one another and some that only look alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from errata.records import Record, Response, Segment, Turn, write_records

PICTURES = ("a.png", "a-copy.png", "b.png", "b-copy.png", "c.png", "sub/d.png")
CONTENT = {name: Path(name).stem.partition("-")[0] for name in PICTURES}
"""What each picture shows: names with one value have the same bytes."""


def write_pictures(folder: Path) -> None:
    """The pictures, each content as noise of its own seed."""
    for name, content in CONTENT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        draw_noise(ord(content)).save(folder / name)


def draw_noise(seed: int, size: int = 64) -> Image.Image:
    """A picture of 8 x 8 grey tiles."""
    tiles = np.random.default_rng(seed).integers(0, 255, (8, 8), dtype=np.uint8)
    return Image.fromarray(tiles).resize((size, size), Image.Resampling.BICUBIC).convert("RGB")


def build(name: str, images: Sequence[str] = (), levels: Sequence[int] = (0, 1), **values: Any) -> Record:
    """A record whose responses differ in one word each."""
    words = ("cat", "dog", "cow", "hen", "pig", "fox")
    responses = tuple(
        Response(
            (Turn("assistant", f"A {words[i]} sleeps."),), level, (Segment(2, 5, 2, 5, "object"),) if level else ()
        )
        for i, level in enumerate(levels)
    )
    values = {"prompt": (Turn("user", "What is it?"),), "responses": responses} | values
    return Record(name, tuple(images), **values)


def write_folder(folder: Path, records: Sequence[Record]) -> Path:
    """A folder of records with the pictures."""
    write_pictures(folder)
    write_records(folder / "records.jsonl", records)
    return folder
