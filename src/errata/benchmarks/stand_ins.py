"""Synthetic pictures in place of official images that are not at hand, to try a benchmark's commands without them.

They are never written unasked, a list beside them names them, and every result says how many questions were about one:
what a model says of them measures nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from errata.errors import DataError
from errata.images import resolve_image
from errata.records import Question
from errata.storage import replacing, write_text
from errata.world import EVALUATION, render, sample_scenes

LIST = "stand-ins.json"
"""In the image root: image -> SHA-256 of the stand-in, so that the real image in its place is none."""


def write_stand_ins(questions: Iterable[Question], root: str | Path) -> list[str]:
    """Draw a scene for every image that is not there, the same for the same name.

    Returns:
        The names of the images drawn.

    Raises:
        DataError: An image outside the root, or a list that cannot be read.
        StorageError: The folder cannot be written.
    """
    root = Path(root)
    names = dict.fromkeys(image for question in questions for image in question.images)
    absent = [name for name in names if not resolve_image(name, root).is_file()]
    known = _read_list(root)
    known |= {name: _draw(name, resolve_image(name, root)) for name in absent}
    write_text(root / LIST, json.dumps(known, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    return absent


def count_stand_ins(questions: Sequence[Question], root: str | Path | None) -> int:
    """How many questions are about an image that is one. Raises DataError for a list that cannot be read."""
    known = {} if root is None else _read_list(Path(root))
    asked = {name for question in questions for name in question.images} & known.keys()
    false = {name for name in asked if _digest(resolve_image(name, root)) == known[name]}
    return sum(not false.isdisjoint(question.images) for question in questions)


def _draw(name: str, target: Path) -> str:
    seed = int.from_bytes(hashlib.sha256(name.encode("utf-8")).digest()[:6], "big")
    (scene,) = sample_scenes("stand-in", 1, seed, EVALUATION)
    with replacing(target) as temporary:
        render(scene).save(temporary, format="JPEG" if target.suffix.lower() in (".jpg", ".jpeg") else "PNG")
    return _digest(target)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _read_list(root: Path) -> dict[str, str]:
    path = root / LIST
    if not path.is_file():
        return {}
    try:
        return {str(name): str(digest) for name, digest in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError) as error:
        fix = "remove it together with the stand-ins, and write them again"
        raise DataError(str(path), expected="image -> SHA-256", found=str(error), fix=fix) from None
