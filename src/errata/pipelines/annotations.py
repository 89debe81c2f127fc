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
from errata.records import Fields, Question, Turn, read_json_lines

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
    fields = Fields(row, where, "annotated image", fix="fix the row; write [] for no objects")
    image, question = fields.take("image", str), fields.take("question", str, "") or DESCRIBE
    if not image:
        raise DataError(where, expected="'image' as a path", found="an empty text", fix="name the file")
    return AnnotatedImage(image, fields.take_texts("objects", needed=True), fields.take_texts("captions"), question)
