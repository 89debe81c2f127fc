"""Annotated images: what POPE and CHAIR are built from.

Three forms are read. JSON lines of `{"image", "objects", "captions", "question"}`: a path, the objects in the image by
names that the vocabulary knows, sentences by people (optional) and what to ask for a description (optional); other
fields are let through. A JSON object `{image: [objects]}`. COCO's instances file, with the captions file of the same
split where it lies beside it.

COCO's annotation files: which objects are in an image, and how people described it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from errata.errors import DataError, count_noun
from errata.images import resolve_image
from errata.records import Fields, Question
from errata.storage import read_json_lines


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


DESCRIBE = "Describe this image in detail."


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """An image and what is true of it; `uncaptioned` where it is COCO's and nobody's sentences about it are at hand."""

    image: str
    objects: tuple[str, ...]
    captions: tuple[str, ...] = ()
    question: str = DESCRIBE
    uncaptioned: bool = field(default=False, compare=False)


def read_annotations(path: str | Path) -> list[AnnotatedImage]:
    """Read annotated images.

    Raises:
        DataError: `file:line` of a bad row or of an image that occurs twice; a file without any image.
    """
    path = Path(path)
    found = _read_document(path) if path.suffix == ".json" else _read_rows(path)
    if not found:
        raise DataError(str(path), expected="at least one annotated image", found="none", fix="check the file")
    return found


def require_captions(images: Sequence[AnnotatedImage], benchmark: str) -> None:
    """Raise DataError where images of COCO lack the sentences by people that belong to the official ground truth."""
    lacking = [one.image for one in images if one.uncaptioned]
    if lacking:
        what = "their captions" if len(lacking) == len(images) else f"the captions of {len(lacking)} of {len(images)}"
        raise DataError(
            f"{benchmark}, official mode",
            expected="COCO's captions beside its instances: half of what is true of an image is what people say of it",
            found=f"images without {what}, such as {lacking[0]}",
            fix="put captions_val2014.json beside it (`errata bench fetch chair` brings both), or use strict mode",
        )


def require_images(questions: Sequence[Question], root: str | Path) -> None:
    """Raise DataError where none of the images is there, before a model is loaded: the folder is another one.

    A single one that is missing costs the answers about it alone.
    """
    names = dict.fromkeys(image for question in questions for image in question.images)
    missing = [name for name in names if not resolve_image(name, root).is_file()]
    if missing and len(missing) == len(names):
        found = "no such file" if len(missing) == 1 else f"no such file, nor {count_noun(len(missing) - 1, 'other')}"
        where, fix = (
            f"{root}: {missing[0]}",
            "check the path and --image-root; `errata bench stand-ins` draws pictures to try a command",
        )
        raise DataError(where, expected=f"the files of {count_noun(len(names), 'image')}", found=found, fix=fix)


def _read_rows(path: Path) -> list[AnnotatedImage]:
    found: dict[str, AnnotatedImage] = {}
    for where, row in read_json_lines(path):
        image = _parse(row, where)
        if image.image in found:
            raise DataError(
                where, expected="images that occur once", found=f"{image.image!r} again", fix="merge the rows"
            )
        found[image.image] = image
    return list(found.values())


def _parse(row: Any, where: str) -> AnnotatedImage:
    fields = Fields(row, where, "annotated image", fix="fix the row; write [] for no objects")
    image, question = fields.take("image", str), fields.take("question", str, "") or DESCRIBE
    if not image:
        raise DataError(where, expected="'image' as a path", found="an empty text", fix="name the file")
    return AnnotatedImage(image, fields.take_texts("objects", needed=True), fields.take_texts("captions"), question)


def _read_document(path: Path) -> list[AnnotatedImage]:
    """One JSON object: COCO's instances, or image -> objects."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(str(path), expected="one JSON object", found=str(error), fix="check the file") from None
    if isinstance(content, dict) and {"images", "annotations"} <= content.keys():
        found = read_coco(content, path)
        return [AnnotatedImage(*row, uncaptioned=not captions) for row in found for captions in (row[2],)]
    if not isinstance(content, dict):
        fix = "write one, or JSON lines in a file that ends with .jsonl"
        raise DataError(str(path), expected="{image: [objects]} or COCO's instances", found="a list", fix=fix)
    return [_parse({"image": image, "objects": objects}, f"{path}: {image}") for image, objects in content.items()]
