"""Which scene an image shows and which objects are frequent there: by captions in photos, by construction in the world.

A photo shows a kitchen if people call it one in their captions. In the synthetic world a scene is whatever an anchor
stands in, and its frequent object is the partner that usually stands beside the anchor.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from errata.benchmarks.annotations import AnnotatedImage
from errata.errors import ConfigError, DataError
from errata.text import Vocabulary
from errata.world import CATEGORIES, COMPANIONS

Source = Literal["auto", "captions", "world"]

SCENES = {
    "living-room": re.compile(r"\b(?:living|family|sitting)[ -]?rooms?\b", re.IGNORECASE),
    "kitchen": re.compile(r"\bkitchens?\b", re.IGNORECASE),
    "bathroom": re.compile(r"\b(?:bath|rest)[ -]?rooms?\b", re.IGNORECASE),
    "street": re.compile(r"\bstreets?\b(?! (?:signs?|lights?|lamps?)\b)", re.IGNORECASE),
}
"""The four scenes of RLHF-V's Table 2, by words that captions use for them."""


@dataclass(frozen=True, slots=True)
class SceneImage:
    """An image, the scenes that it shows, and the frequent objects of every scene."""

    image: AnnotatedImage
    scenes: tuple[str, ...]
    frequent: Mapping[str, tuple[str, ...]]


def find_scenes(
    images: Sequence[AnnotatedImage], vocabulary: Vocabulary, source: Source, *, objects: int, captions: int
) -> list[SceneImage]:
    """Every image with its scenes.

    Args:
        images: All there are: what is frequent is counted over them.
        vocabulary: What their objects are called.
        source: "auto" is the world where all objects are its own.
        objects: How many of a scene's objects are frequent; in the world the one partner is.
        captions: How many captions must name a scene; all must where there are fewer.

    Raises:
        DataError: No image shows any scene.
        ConfigError: Numbers below 1.
    """
    if min(objects, captions) < 1:
        found = f"objects={objects}, captions={captions}"
        raise ConfigError("overgeneralisation", expected="at least 1 of each", found=found, fix="change the option")
    in_world = all(name in CATEGORIES for image in images for name in image.objects)
    by_world = source == "world" or (source == "auto" and in_world)
    named: Callable[[AnnotatedImage], tuple[str, ...]] = _find_anchors if by_world else _read_captions(captions)
    shown = {image.image: named(image) for image in images}
    scenes = [name for name in (COMPANIONS if by_world else SCENES) if any(name in found for found in shown.values())]
    if not scenes:
        fix = "give images with captions that name a kitchen, bathroom, living room or street, or a world's scenes"
        raise DataError("overgeneralisation", expected="images of some scene", found="none", fix=fix)
    frequent = {name: _list_frequent(name, images, shown, vocabulary, objects, by_world) for name in scenes}
    return [SceneImage(image, shown[image.image], frequent) for image in images]


def _find_anchors(image: AnnotatedImage) -> tuple[str, ...]:
    return tuple(name for name in COMPANIONS if name in image.objects)


def _read_captions(least: int) -> Callable[[AnnotatedImage], tuple[str, ...]]:
    def find(image: AnnotatedImage) -> tuple[str, ...]:
        counts = {name: sum(bool(words.search(one)) for one in image.captions) for name, words in SCENES.items()}
        needed = min(least, len(image.captions)) or 1
        return tuple(name for name, count in counts.items() if count >= needed)

    return find


def _list_frequent(
    scene: str,
    images: Sequence[AnnotatedImage],
    shown: Mapping[str, tuple[str, ...]],
    vocabulary: Vocabulary,
    objects: int,
    by_world: bool,
) -> tuple[str, ...]:
    """The objects that stand in most images of a scene; where two stand in as many, the first in the vocabulary."""
    if by_world:
        return (COMPANIONS[scene].partner,)
    counts = Counter(
        name
        for image in images
        if scene in shown[image.image]
        for name in {vocabulary.find_object(one) for one in image.objects}
    )
    order = {name: place for place, name in enumerate(vocabulary.objects)}
    return tuple(sorted(counts, key=lambda name: (-counts[name], order[name]))[:objects])
