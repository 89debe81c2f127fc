"""Over-generalisation: are a scene's usual objects made up more often where the scene suggests them?

RLHF-V (Yu et al. 2023, arXiv 2312.00849), Table 2: for a scene's most frequent objects, the share of their mentions
that are made up, in all answers and in those about the scene, and the difference.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from errata.benchmarks.card import Card, Published
from errata.benchmarks.chair import Chair, find_vocabulary
from errata.benchmarks.protocol import Benchmark, Item, Reply, Setup
from errata.benchmarks.scenes import SceneImage, Source, find_scenes
from errata.benchmarks.sources import find_data
from errata.benchmarks.statistics import Combined, Unit, describe_combined, estimate
from errata.errors import ConfigError
from errata.records import BenchmarkResult, Question

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
