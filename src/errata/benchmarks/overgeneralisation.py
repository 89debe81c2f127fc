"""Over-generalisation: are a scene's usual objects made up more often where the scene suggests them?

RLHF-V (Yu et al. 2023, arXiv 2312.00849), Table 2: for a scene's most frequent objects, the share of their mentions
that are made up, in all answers and in those about the scene, and the difference.

Which scene an image shows and which objects are frequent there: by captions in photos, by construction in the world.

A photo shows a kitchen if people call it one in their captions. In the synthetic world a scene is whatever an anchor
stands in, and its frequent object is the partner that usually stands beside the anchor.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from errata.benchmarks.annotations import AnnotatedImage
from errata.benchmarks.chair import Chair, find_vocabulary
from errata.benchmarks.official_files import find_data
from errata.benchmarks.protocol import Benchmark, Card, Item, Published, Reply, Setup
from errata.benchmarks.statistics import Combined, Unit, describe_combined, estimate
from errata.errors import ConfigError, DataError
from errata.records import BenchmarkResult, Question
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


_SHARE = Unit("share", "lower")
_TABLE = "RLHF-V, Table 2"


@dataclass(frozen=True)
class OverGeneralisation(Benchmark[SceneImage]):
    """Made-up objects of a scene, in it and on average.

    Args:
        scenes: What makes a scene: captions of photos, or the anchors of the synthetic world.
        objects: How many objects of a scene are frequent.
        captions: How many captions must name a scene.
        images: How many images to draw, from the seed; None takes all. What is frequent is counted over all.
    """

    scenes: Source = "auto"
    objects: int = 10
    captions: int = 2
    images: int | None = None

    units = {"average": _SHARE, "scene": _SHARE, "difference": _SHARE}  # noqa: RUF012
    draws: ClassVar[str] = "images"
    card = Card(
        name="overgeneralisation",
        title="Over-generalisation",
        measures="how much more often a scene's usual objects are made up where the scene suggests them",
        paper="Yu et al. 2023 (RLHF-V), arXiv 2312.00849, Table 2",
        licence="CC BY 4.0 (COCO's annotations); COCO's terms (images)",
        size="any annotated images with captions, or scenes of the synthetic world",
        metrics="share of made-up mentions of a scene's frequent objects: average, under the scene, difference",
        data="COCO's instances and captions, as for CHAIR; or --annotations",
        remotes=Chair.card.remotes,
        published=(
            Published("average difference", "LLaVA-1.5 13B", "+9.2 points", _TABLE),
            Published("average difference", "RLHF-V 13B", "+1.7 points", _TABLE),
            Published("average difference", "GPT-4V", "+5.0 points", _TABLE),
        ),
    )

    def load(self, setup: Setup) -> list[SceneImage]:
        """Annotated images with their scenes, all or a sample."""
        setup = _share_files(setup)
        images = Chair().load(setup)
        found = find_scenes(images, find_vocabulary(setup), self.scenes, objects=self.objects, captions=self.captions)
        if self.images is None:
            return found
        if not 1 <= self.images <= len(found):
            expected, said = "as many as there are, or fewer", f"{self.images} of {len(found)}"
            raise ConfigError("overgeneralisation.images", expected=expected, found=said, fix="ask for less")
        return random.Random(f"{setup.seed}/overgeneralisation").sample(found, self.images)

    def prompt(self, row: SceneImage) -> Question:
        """A request for a description, as CHAIR asks it."""
        question = Chair().prompt(row.image)
        frequent = {name: list(objects) for name, objects in row.frequent.items()}
        return replace(question, meta={**question.meta, "scenes": list(row.scenes), "frequent": frequent})

    def parse(self, question: Question, reply: Reply, setup: Setup) -> Item:
        """The mentions of each scene's frequent objects, true and made up."""
        described = Chair().parse(question, reply, _share_files(setup))
        claims = [mention for mention in described["mentions"] if not mention["negated"]]
        counts = {}
        for name, objects in question.meta["frequent"].items():
            usual = [mention["hallucinated"] for mention in claims if mention["object"] in objects]
            counts[f"average_{name}"] = [sum(usual), len(usual)]
            counts[f"scene_{name}"] = counts[f"average_{name}"] if name in question.meta["scenes"] else [0, 0]
        told: dict[str, Any] = {name: question.meta[name] for name in ("scenes", "frequent")}
        return {**described, **told, "counts": counts}

    def score(self, items: Sequence[Item], setup: Setup) -> list[BenchmarkResult]:
        """A result per scene, and the mean over the scenes."""
        frequent = items[0]["frequent"] if items else {}
        results = [self._score_scene(name, objects, items, setup) for name, objects in frequent.items()]
        share = 1 / max(1, len(frequent))
        weights = {part: {f"{part}_{name}": share for name in frequent} for part in ("average", "scene")}
        weights["difference"] = weights["scene"] | dict.fromkeys(weights["average"], -share)
        combined = {f"{part}_mean": Combined(made, better="lower") for part, made in weights.items() if made}
        units = {name: _SHARE for part in ("average", "scene") for name in weights[part]}
        return [*results, self._build("overgeneralisation", items, units, combined, setup, scenes_found=list(frequent))]

    def _score_scene(self, name: str, objects: Sequence[str], items: Sequence[Item], setup: Setup) -> BenchmarkResult:
        bare = [
            {
                "id": item["id"],
                "image": item["image"],
                "counts": {part: item["counts"][f"{part}_{name}"] for part in ("average", "scene")},
            }
            for item in items
        ]
        combined = {"difference": Combined({"scene": 1, "average": -1}, better="lower")}
        units = {"average": _SHARE, "scene": _SHARE}
        shown = sum(name in item["scenes"] for item in items)
        details = {"frequent": list(objects), "images_of_the_scene": shown}
        return self._build(f"overgeneralisation-{name}", bare, units, combined, setup, **details)

    def _build(
        self,
        name: str,
        items: Sequence[Item],
        units: dict[str, Unit],
        combined: dict[str, Combined],
        setup: Setup,
        **details: Any,
    ) -> BenchmarkResult:
        result = self.build_result(name, items, units, setup, combined=describe_combined(combined), **details)
        made = estimate(items, units, combined=combined)
        shown = made if "average" in units else {key: made[key] for key in combined}
        return replace(result, metrics=shown)


def _share_files(setup: Setup) -> Setup:
    """CHAIR's files: in the folder that was given or beside it, else as they were fetched for CHAIR."""
    if setup.data is not None and (setup.data / "chair").is_dir():
        return replace(setup, data=setup.data / "chair")
    return setup if setup.data is not None else replace(setup, data=find_data("chair", None))
