"""Measure a model on scenes: CHAIR on its descriptions, POPE on its yes/no answers, as on any real benchmark."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

from errata.benchmarks import SETTINGS, build_pope, score_chair, score_pope
from errata.generation import GenerationSettings
from errata.generation.local import generate
from errata.models import LoadedModel
from errata.pipelines.progress import OnProgress
from errata.records import Answer, BenchmarkResult, Question
from errata.text import build_vocabulary
from errata.world import CATEGORIES, EVALUATION, Scene, describe_questions, image_name, sample_scenes

DESCRIPTION = GenerationSettings(max_tokens=64, batch_size=256)
VERDICT = GenerationSettings(max_tokens=2, batch_size=512)

RANKED_SCENES = 4000

_SENTENCE = re.compile(r"[\w-]+: an? \w+ \w+\.")
"""A made-up object takes its whole sentence with it: place, colour and name."""


def measure(
    loaded: LoadedModel,
    scenes: Sequence[Scene],
    root: Path,
    stage: str,
    on_progress: OnProgress | None = None,
) -> dict[str, BenchmarkResult]:
    """Ask, score and return the results by benchmark: `chair`, `pope_random`, `pope_popular`, `pope_adversarial`.

    Args:
        loaded: The model.
        scenes: Scenes whose images lie below `root`.
        root: Also takes the answers, as `answers/STAGE-….jsonl`; a run that was stopped continues from them.
        stage: Names the model in the results.
        on_progress: Called with (benchmark, answers, questions) while answers come in.
    """
    questions = describe_questions(scenes)
    answers = generate(
        loaded,
        questions,
        DESCRIPTION,
        image_root=root,
        out=root / "answers" / f"{stage}-chair.jsonl",
        on_progress=partial(on_progress, "chair") if on_progress else None,
    )
    results = {"chair": score_descriptions(answers, scenes, stage)}
    for setting, asked in pope_questions(tuple(scenes)).items():
        said = generate(
            loaded,
            asked,
            VERDICT,
            image_root=root,
            out=root / "answers" / f"{stage}-pope-{setting}.jsonl",
            on_progress=partial(on_progress, f"pope {setting}") if on_progress else None,
        )
        results[f"pope_{setting}"] = score_pope(asked, said, model=stage)
    return results


def score_descriptions(answers: Sequence[Answer], scenes: Sequence[Scene], stage: str) -> BenchmarkResult:
    """CHAIR of descriptions, one of each scene; `stage` names the model."""
    questions = describe_questions(scenes)
    return score_chair(
        answers,
        {question.id: scene.objects for question, scene in zip(questions, scenes, strict=True)},
        vocabulary=build_vocabulary(CATEGORIES, "world"),
        images={question.id: question.images[0] for question in questions},
        widen=_SENTENCE,
        model=stage,
    )


@lru_cache(maxsize=1)
def pope_questions(scenes: tuple[Scene, ...]) -> dict[str, list[Question]]:
    """The three sets for scenes with at least three objects, built as for any annotated images.

    What is frequent, and what stands beside what, is counted over the world and not over the few scenes drawn: near
    ties would else make another set popular for every seed. All stages of a run are asked the same, so it is kept.
    """
    objects = {image_name(scene): list(scene.objects) for scene in scenes}
    return {setting: build_pope(objects, setting, ranking=_world_objects()) for setting in SETTINGS}


@lru_cache(maxsize=1)
def _world_objects() -> dict[str, list[str]]:
    return {scene.id: list(scene.objects) for scene in sample_scenes("ranking", RANKED_SCENES, 0, EVALUATION)}
