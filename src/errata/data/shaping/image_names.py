"""What a file name or an id says about which published picture it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from unicodedata import normalize

NAME_FIELDS: tuple[str, ...] = (
    "image",
    "image_id",
    "image_path",
    "image_name",
    "image_url",
    "image_src",
    "img",
    "img_path",
    "coco_id",
)
NAME_FIELDS += ("file_name", "filename", "coco_url")
"""Fields in which published rows name a picture."""

COCO_VAL2014 = "coco val2014"
"""The key of every name that says it is of COCO's val2014, from which CHAIR draws."""

SHORTEST_NAME = 6
"""Shorter names, such as 001.jpg, occur everywhere and say nothing."""

_COCO = re.compile(r"(?<!\d)(0{6}\d{6})(?!\d)")
_OPEN_IMAGES = re.compile(r"(?<![0-9a-f])([0-9a-f]{16})(?![0-9a-f])")


def find_name_keys(name: str) -> set[str]:
    """Keys that two names of one picture share: COCO's number, Open Images' id, or the file's name without its ending.

    `COCO_val2014_000000310196.jpg`, `000000310196.png` and `some_prefix_000000310196.jpg` are one picture.
    """
    name = normalize("NFC", name)  # disks and rows spell accents differently
    stem = PurePosixPath(name.partition("?")[0].replace("\\", "/")).stem.casefold()
    keys = {f"coco {int(number)}" for number in _COCO.findall(stem)}
    keys |= {f"open images {number}" for number in _OPEN_IMAGES.findall(stem)}
    if "val2014" in name.casefold():
        keys.add(COCO_VAL2014)
    if not keys and len(stem) >= SHORTEST_NAME:
        keys.add(f"name {stem}")
    return keys


def list_name_keys(row: Mapping[str, Any]) -> set[str]:
    """The keys of every picture that a row names, in any of `NAME_FIELDS`."""
    return {key for value in list_named(row) for key in _keys_of(*value)}


def list_named(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(field, value) of what may name a picture; of `{"bytes", "path"}`, the path."""
    for field in NAME_FIELDS:
        value = row.get(field)
        yield field, value.get("path") if isinstance(value, dict) else value


def _keys_of(field: str, value: Any) -> set[str]:
    """Plain numbers are COCO's where the field holds ids."""
    is_id = field in ("image_id", "coco_id")
    if is_id and (isinstance(value, int) or (isinstance(value, str) and value.isdecimal() and len(value) <= 12)):
        return {f"coco {int(value)}"}
    return find_name_keys(value) if isinstance(value, str) and len(value) < 1000 else set()
