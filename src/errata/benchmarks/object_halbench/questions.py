"""Object HalBench's released questions, with what COCO says is true of their images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from errata.benchmarks.annotations import AnnotatedImage, read_annotations
from errata.benchmarks.answers import find_image_key
from errata.benchmarks.official_files import find_file, read_rows, require_file, unpack_image
from errata.benchmarks.protocol import Setup
from errata.errors import DataError
from errata.records import Fields

QUESTIONS = "obj_halbench_300_with_image.jsonl"
FOLDERS = ("object_halbench", "chair")


def read_questions(setup: Setup) -> list[AnnotatedImage]:
    """The 300 images. Raises DataError for other versions of the file, and in strict mode for unknown images."""
    fix = "`errata bench fetch object_halbench`, or --data DIR with the official files, or --annotations"
    path = require_file(setup.data, "object_halbench", QUESTIONS, folders=FOLDERS, fix=fix)
    rows = [read_row(row, where, setup) for where, row in read_rows(path, {}, count=(300,))]
    if len({key for key, _ in rows}) != 300:
        raise DataError(str(path), expected="300 different images", found="one again", fix="fetch the file again")
    known = _read_truth(setup, fix)
    unknown = next((key for key, _ in rows if key not in known), None)
    if unknown is not None and setup.mode == "strict":
        raise DataError(str(path), expected="images that COCO annotates", found=f"image_id {unknown}", fix=fix)
    return [
        replace(known.get(key, AnnotatedImage(row.image, ())), image=row.image, question=row.question)
        for key, row in rows
    ]


def read_row(row: Any, where: str, setup: Setup) -> tuple[str, AnnotatedImage]:
    """COCO's number of an image, and the image with its question; a picture inside the row is unpacked."""
    fields = Fields(row, where, "question", fix="use the file as released")
    number, question = fields.take("image_id", (int, str)), fields.take("question", str)
    key = find_image_key(str(number))
    if not key.isdigit():
        raise DataError(where, expected="COCO's number of an image", found=f"{number!r}", fix=fields.fix)
    name = fields.take("image_path", str, "") or f"COCO_val2014_{int(key):012d}.jpg"
    encoded, root = fields.take("image", str, ""), setup.image_root or setup.data
    if encoded and root is not None:
        unpack_image(encoded, root / name, where)
    return key, AnnotatedImage(name, (), question=question)


def _read_truth(setup: Setup, fix: str) -> dict[str, AnnotatedImage]:
    """By COCO's number; images of both splits, where both files are there."""
    files = [require_file(setup.data, "object_halbench", "instances_val2014.json", folders=FOLDERS, fix=fix)]
    train = find_file(setup.data, "instances_train2014.json", folders=FOLDERS)
    return {
        find_image_key(one.image): one
        for path in [*files, *([train] if train else [])]
        for one in read_annotations(path)
    }
