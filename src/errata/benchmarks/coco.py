"""COCO's annotation files: which objects are in an image, and how people described it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from errata.errors import DataError


def read_coco(instances: dict[str, Any], path: Path) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Per image of an instances file: its file name, the objects in it, and what people wrote about it.

    Every instance counts, crowds too (as CHAIR's ground truth has it); an object is named once, in the order of the
    annotations. Images without an instance have no objects.

    Args:
        instances: The decoded `instances_SPLIT.json`.
        path: Its path; the sentences are taken from `captions_SPLIT.json` beside it, if that is there.

    Raises:
        DataError: A field is missing, or an annotation is of an unknown image or category.
    """
    try:
        names = {category["id"]: category["name"] for category in instances["categories"]}
        files = {image["id"]: image["file_name"] for image in instances["images"]}
        objects: dict[int, dict[str, None]] = {image: {} for image in files}
        for row in instances["annotations"]:
            objects[row["image_id"]][names[row["category_id"]]] = None
        captions = _read_captions(path, files)
    except (KeyError, TypeError) as error:
        found = f"no usable {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(str(path), expected="COCO's instances", found=found, fix="use the file as released") from None
    return [(name, tuple(objects[image]), tuple(captions.get(image, ()))) for image, name in files.items()]


def find_captions(path: Path) -> Path | None:
    """The captions file that belongs to an instances file, if it lies beside it."""
    beside = path.with_name(path.name.replace("instances", "captions", 1))
    return beside if beside != path and beside.is_file() else None


def _read_captions(path: Path, files: dict[int, str]) -> dict[int, list[str]]:
    beside = find_captions(path)
    if beside is None:
        return {}
    try:
        rows = json.loads(beside.read_text(encoding="utf-8"))["annotations"]
    except (ValueError, KeyError, TypeError):
        raise DataError(
            str(beside), expected="COCO's captions", found="another file", fix="use the file as released, or remove it"
        ) from None
    captions: dict[int, list[str]] = {}
    for row in rows:
        if row["image_id"] in files:
            captions.setdefault(row["image_id"], []).append(row["caption"])
    return captions
