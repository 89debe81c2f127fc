"""Annotated images and a model -> questions, answers, scores: a result folder that can be continued.

The folder holds `settings.json`, `questions/*.jsonl`, `answers/*.jsonl` and `results.json`, which `errata report`
renders.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from errata.benchmarks import build_truth, score_chair, score_pope_settings
from errata.config import describe_difference, dump_settings
from errata.errors import ConfigError
from errata.generation import GenerationSettings
from errata.pipelines.annotations import (
    AnnotatedImage,
    build_chair_questions,
    build_pope_questions,
    read_annotations,
    require_images,
)
from errata.pipelines.answer import Ask, OnProgress, load_answerer
from errata.pipelines.evaluate_results import build_results
from errata.records import Answer, BenchmarkResult, Question, remove_file, write_questions, write_text
from errata.text import Vocabulary, load_coco_vocabulary, load_vocabulary

NAMES = ("chair", "pope")


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """What is measured, on which images.

    Args:
        model: A checkpoint folder, a PEFT adapter folder or a Hub name.
        annotations: JSON lines of annotated images (see `pipelines.annotations`).
        image_root: Where their image paths start.
        benchmarks: Of `NAMES`.
        mode: How answers are read: "strict" or "official".
        vocabulary: A file of object names and synonyms; None is COCO's 80 with our own synonyms.
        questions_per_image: POPE's, half of them "yes".
        generation: How answers are drawn; its seed also chooses POPE's objects.
    """

    model: str
    annotations: Path
    image_root: Path
    benchmarks: tuple[str, ...] = NAMES
    mode: Literal["strict", "official"] = "strict"
    vocabulary: Path | None = None
    questions_per_image: int = 6
    generation: GenerationSettings = field(default_factory=GenerationSettings)


def evaluate(
    settings: EvaluationSettings,
    out: str | Path,
    *,
    fresh: bool = False,
    ask: Ask | None = None,
    on_progress: OnProgress | None = None,
) -> list[BenchmarkResult]:
    """Measure a model; answers that the folder holds already are kept.

    Args:
        settings: What is measured.
        out: The result folder.
        fresh: Start over even where the folder holds answers.
        ask: Answers questions in place of the model, in tests or with an endpoint.
        on_progress: Told about every batch of answers.

    Raises:
        ConfigError: An unknown benchmark, or a folder with the results of other settings.
        DataError: Annotations that cannot be used, or an image that does not open.
        ModelError: A model that cannot be loaded.
    """
    out = Path(out)
    _check_names(settings.benchmarks)
    images = read_annotations(settings.annotations)
    require_images(images, settings.image_root)
    vocabulary = _load_vocabulary(settings)
    truth = _build_truth(images, vocabulary, settings)
    questions = {name: _build_questions(name, images, settings) for name in dict.fromkeys(settings.benchmarks)}
    stated = _check_folder(settings, out, fresh)
    ask = ask or load_answerer(settings.model, settings.image_root, settings.generation, on_progress)
    write_text(out / "settings.json", json.dumps(stated, ensure_ascii=False, indent=1) + "\n")
    results: list[BenchmarkResult] = []
    for name, asked in questions.items():
        write_questions(out / "questions" / f"{name}.jsonl", asked)
        answers = ask(asked, out / "answers" / f"{name}.jsonl")
        results += _score(name, asked, answers, truth, vocabulary, settings)
    content = build_results(results, images, stated, out)
    write_text(out / "results.json", json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    return results


def _check_names(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in NAMES]
    if unknown or not names:
        found = repr(unknown[0]) if unknown else "none"
        raise ConfigError("benchmarks", expected=" or ".join(NAMES), found=found, fix="see `errata bench list`")


def _build_questions(name: str, images: list[AnnotatedImage], settings: EvaluationSettings) -> list[Question]:
    if name == "chair":
        return build_chair_questions(images)
    return build_pope_questions(images, settings.generation.seed, settings.questions_per_image)


def _score(
    name: str,
    questions: list[Question],
    answers: list[Answer],
    truth: Mapping[str, set[str]],
    vocabulary: Vocabulary,
    settings: EvaluationSettings,
) -> list[BenchmarkResult]:
    if name == "pope":
        return list(score_pope_settings(questions, answers, mode=settings.mode, model=settings.model).values())
    return [score_chair(answers, truth, vocabulary=vocabulary, mode=settings.mode, model=settings.model)]


def _build_truth(
    images: list[AnnotatedImage], vocabulary: Vocabulary, settings: EvaluationSettings
) -> dict[str, set[str]]:
    """What each image shows; only CHAIR needs it, and only then must the vocabulary know every object."""
    if "chair" not in settings.benchmarks:
        return {}
    objects = {image.image: image.objects for image in images}
    captions = {image.image: image.captions for image in images}
    return build_truth(objects, captions, vocabulary, settings.mode)


def _load_vocabulary(settings: EvaluationSettings) -> Vocabulary:
    if settings.vocabulary is None:
        if settings.mode == "official" and "chair" in settings.benchmarks:
            raise ConfigError(
                "vocabulary",
                expected="the released synonym list, with which official CHAIR numbers are made",
                found="none",
                fix="pass CHAIR's synonyms.txt as --vocabulary, or use strict mode",
            )
        return load_coco_vocabulary()
    return load_vocabulary(settings.vocabulary, verbatim=settings.mode == "official")


def _check_folder(settings: EvaluationSettings, out: Path, fresh: bool) -> dict[str, Any]:
    """The settings as plain values, if the answers found there were given under the same ones.

    They are written once the model has loaded: a start that failed must not bind the next one.
    """
    stated: dict[str, Any] = dump_settings(settings)
    if fresh:
        for name in NAMES:
            remove_file(out / "answers" / f"{name}.jsonl")
    elif (out / "settings.json").is_file():
        _require_same(out / "settings.json", stated)
    return stated


def _require_same(path: Path, stated: dict[str, Any]) -> None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    difference = describe_difference(found, stated, free=("benchmarks", "mode"))  # none of them changes an answer
    if difference:
        raise ConfigError(
            str(path),
            expected="the settings of the answers in this folder",
            found=difference,
            fix="choose another --out, or start over with --fresh",
        )
