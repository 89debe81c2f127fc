"""Scenes as images on disk and as questions about them.

The tiny pretrained bases that ship with the package, as folders that `from_pretrained` loads.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np

from errata.errors import ConfigError
from errata.records import Question, Turn
from errata.storage import replacing
from errata.world.language import DESCRIBE, absent_partners, exists_question
from errata.world.render import render
from errata.world.scenes import CATEGORIES, Scene


def image_name(scene: Scene) -> str:
    """Where a scene's image lies below the image root."""
    return f"images/{scene.id}.png"


def write_images(scenes: Sequence[Scene], root: Path) -> None:
    """Render every scene to `root/images/ID.png`. Raises StorageError."""
    for scene in scenes:
        path = root / image_name(scene)
        if not path.is_file():
            with replacing(path) as temporary:
                render(scene).save(temporary, format="PNG")


def describe_questions(scenes: Sequence[Scene]) -> list[Question]:
    """One request for a description per scene."""
    return [Question(f"{scene.id}-describe", (image_name(scene),), (Turn("user", DESCRIBE),)) for scene in scenes]


def verdict_questions(scenes: Sequence[Scene], seed: int) -> list[Question]:
    """Two yes/no questions per scene, one about something there and one about something that is not.

    Every second absent category is one whose company is there, as people ask about what they would expect to see.
    `meta` holds `scene` and `category`.
    """
    rng = np.random.default_rng((seed, 4))
    questions = []
    for scene in scenes:
        expected = list(absent_partners(scene))
        absent = [category for category in CATEGORIES if category not in scene.objects]
        if expected and rng.random() < 0.5:
            absent = expected
        for category in (str(rng.choice(scene.objects)), str(rng.choice(absent))):
            turn = Turn("user", exists_question(category))
            meta = {"scene": scene.id, "category": category}
            questions.append(Question(f"{scene.id}-is-{category}", (image_name(scene),), (turn,), meta))
    return questions


BASES = ("small", "medium", "large", "grown-1", "grown-2", "grown-3")
"""Three sizes, as AMP's multi-size experts, and the medium one after growing amounts of truthful data."""


def base_folder(name: str) -> Path:
    """Where a shipped base lies. Raises ConfigError on a name that is not in `BASES`."""
    if name not in BASES:
        raise ConfigError("base", expected=f"one of {', '.join(BASES)}", found=repr(name), fix="choose one of them")
    return Path(str(resources.files("errata.world"))) / "bases" / name
