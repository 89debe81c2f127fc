"""What an evaluation measures, on which images, and what it gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from errata.benchmarks import Mode
from errata.generation import EndpointSettings, GenerationSettings
from errata.pipelines.answering import BestOf
from errata.pipelines.evaluate.judging import JudgeSettings
from errata.pipelines.evaluate.measuring import Coverage
from errata.records import BenchmarkResult


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
