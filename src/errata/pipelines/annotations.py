"""Annotated images, and the questions of a benchmark built from them.

A row is `{"image", "objects", "captions", "question"}`: a path, the objects in the image by names that the vocabulary
knows, sentences by people (optional) and what to ask for a description (optional). Other fields are let through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errata.benchmarks import SETTINGS, build_pope
from errata.data import resolve_image
from errata.errors import DataError
from errata.records import Question, Turn, read_json_lines

DESCRIBE = "Describe this image in detail."


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """An image and what is true of it."""

    image: str
    objects: tuple[str, ...]
    captions: tuple[str, ...] = ()
    question: str = DESCRIBE


def read_annotations(path: str | Path) -> list[AnnotatedImage]:
    """Read annotated images. Raises DataError with file:line on a bad row or an image that occurs twice."""
    found: dict[str, AnnotatedImage] = {}
    for where, row in read_json_lines(path):
        image = _parse(row, where)
        if image.image in found:
            raise DataError(
                where, expected="images that occur once", found=f"{image.image!r} again", fix="merge the rows"
            )
        found[image.image] = image
    if not found:
        raise DataError(str(path), expected="at least one annotated image", found="none", fix="check the file")
    return list(found.values())


def require_images(images: Sequence[AnnotatedImage], root: str | Path) -> None:
    """Raise DataError for the first image that is not there, before a model is loaded."""
    for image in images:
        if not resolve_image(image.image, root).is_file():
            fix = "check the path and --image-root"
            raise DataError(f"{root}: {image.image}", expected="an image file", found="no such file", fix=fix)


def build_pope_questions(images: Sequence[AnnotatedImage], seed: int, questions_per_image: int = 6) -> list[Question]:
    """POPE's three settings on the images that show enough objects."""
    objects = {image.image: image.objects for image in images}
    return [
        question
        for setting in SETTINGS
        for question in build_pope(objects, setting, questions_per_image=questions_per_image, seed=seed)
    ]


def build_chair_questions(images: Sequence[AnnotatedImage]) -> list[Question]:
    """One request for a description per image; the id is the image."""
    return [Question(image.image, (image.image,), (Turn("user", image.question),)) for image in images]


def _parse(row: Any, where: str) -> AnnotatedImage:
    if not isinstance(row, dict):
        raise DataError(
            where, expected="an annotated image as a JSON object", found=type(row).__name__, fix="fix the row"
        )
    image, question = row.get("image"), row.get("question") or DESCRIBE
    if not isinstance(image, str) or not image or not isinstance(question, str):
        raise DataError(where, expected="'image' and 'question' as texts", found="another type", fix="fix the row")
    if row.get("objects") is None:
        raise DataError(where, expected="'objects' as a list of names", found="no such field", fix="write [] for none")
    return AnnotatedImage(image, _take_texts(row, "objects", where), _take_texts(row, "captions", where), question)


def _take_texts(row: dict[str, Any], name: str, where: str) -> tuple[str, ...]:
    values = row.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise DataError(where, expected=f"{name!r} as a list of texts", found="another type", fix="fix the row")
    return tuple(values)
