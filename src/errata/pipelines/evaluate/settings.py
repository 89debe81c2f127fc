"""What an evaluation measures, on which images, and what it gives back.

What a user says about data -> what each benchmark is told, and what it asks.

Benchmarks -> synthetic stand-ins for those of their images that are not at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from errata.benchmarks import (
    AnnotatedImage,
    Benchmark,
    Mode,
    Setup,
    build_benchmarks,
    find_data,
    read_annotations,
    write_stand_ins,
)
from errata.endpoints import EndpointSettings
from errata.generation import GenerationSettings
from errata.pipelines.answering import BestOf
from errata.pipelines.evaluate.judging import JudgeSettings
from errata.pipelines.evaluate.measuring import Coverage
from errata.records import BenchmarkResult, Question


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """What is measured, on which images.

    Args:
        model: Whatever `build_answerer` takes: a checkpoint folder, an adapter folder, a Hub name, an endpoint.
        annotations: Annotated images (see `benchmarks.annotations`); None takes the official files.
        image_root: Where image paths start; None is the folder of the annotations, or of the data.
        benchmarks: Of `benchmarks.BENCHMARKS`, or "all".
        mode: How answers are read: "strict" or "official".
        vocabulary: A file of object names and synonyms; None is COCO's 80 with our own synonyms.
        data: A folder of official files, with one folder a benchmark or all in one; None is what was fetched.
        options: `benchmark.option=value`.
        generation: How answers are drawn; its seed also draws images and POPE's objects.
        endpoint: How hard an endpoint is asked.
        judge: Who judges; benchmarks whose card names no judge need none.
        best_of: Answer with the best of several samples.
    """

    model: str
    annotations: Path | None = None
    image_root: Path | None = None
    benchmarks: tuple[str, ...] = ("pope", "chair")
    mode: Mode = "strict"
    vocabulary: Path | None = None
    data: Path | None = None
    options: tuple[str, ...] = ()
    generation: GenerationSettings = field(default_factory=GenerationSettings)
    endpoint: EndpointSettings | None = None
    judge: JudgeSettings | None = None
    best_of: BestOf | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The results, and per benchmark how much of it was measured.

    Attributes:
        asked: Replies that the judge was asked for in this run.
        recalled: Replies that its cache held.
        judges: What is to be said about the judge, by benchmark.
        quotable: Benchmarks whose published figures are about the same images.
    """

    results: list[BenchmarkResult]
    coverage: dict[str, Coverage]
    asked: int = 0
    recalled: int = 0
    judges: dict[str, dict[str, Any]] = field(default_factory=dict)
    quotable: Sequence[str] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return all(one.complete for one in self.coverage.values())


class Told(Protocol):
    """What settings say about data, whichever verb they are of."""

    @property
    def annotations(self) -> Path | None:
        """Annotated images."""

    @property
    def data(self) -> Path | None:
        """Official files."""

    @property
    def vocabulary(self) -> Path | None:
        """Object names."""

    @property
    def mode(self) -> Mode:
        """How answers are read."""

    @property
    def image_root(self) -> Path | None:
        """Where image paths start."""


def build_setups(settings: Told, benchmarks: Sequence[Benchmark[Any]], model: str, seed: int) -> dict[str, Setup]:
    """What each benchmark is told. Raises DataError for annotations or a folder that cannot be used."""
    images: list[AnnotatedImage] | None = None
    if settings.annotations is not None:
        images = read_annotations(settings.annotations)
    return {
        one.card.name: Setup(
            mode=settings.mode,
            data=find_data(one.card.name, settings.data),
            annotations=images,
            vocabulary=settings.vocabulary,
            seed=seed,
            model=model,
            image_root=_find_root(settings, find_data(one.card.name, settings.data)),
        )
        for one in benchmarks
    }


def load_questions(benchmark: Benchmark[Any], setup: Setup) -> list[Question]:
    """What a benchmark asks."""
    return [benchmark.prompt(row) for row in benchmark.load(setup)]


def _find_root(settings: Told, data: Path | None) -> Path | None:
    """Where a benchmark's images lie: as told, else beside its annotations, else beside its official files."""
    if settings.image_root is not None:
        return settings.image_root
    return settings.annotations.parent if settings.annotations is not None else data


@dataclass(frozen=True, slots=True)
class StandInSettings:
    """Whose images, and where they go; everything else as `EvaluationSettings` has it."""

    benchmarks: tuple[str, ...]
    image_root: Path
    annotations: Path | None = None
    mode: Mode = "strict"
    vocabulary: Path | None = None
    data: Path | None = None
    options: tuple[str, ...] = ()
    seed: int = 0


def fill_images(settings: StandInSettings) -> dict[str, int]:
    """Write a stand-in for every image that `evaluate` with the same settings would miss.

    Returns:
        Per benchmark how many were drawn; one that two benchmarks ask about counts for the first.

    Raises:
        ConfigError: An unknown benchmark or option.
        DataError: Files that cannot be used.
        StorageError: The image root cannot be written.
    """
    benchmarks = build_benchmarks(settings.benchmarks, settings.options)
    setups = build_setups(settings, benchmarks, "", settings.seed)
    drawn = {}
    for one in benchmarks:
        name = one.card.name
        drawn[name] = len(write_stand_ins(load_questions(one, setups[name]), settings.image_root))
    return drawn
