"""What a report is made of: the content of a run folder's `results.json`, typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from errata.records import BenchmarkResult, Metric


@dataclass(frozen=True, slots=True)
class Difference:
    """A stage minus the first one on the same items, in the metric's unit, with its paired 95 % interval and p."""

    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A model at one moment of the run (before, after, or a method it is compared with) and what was measured."""

    name: str
    label: str
    benchmarks: dict[str, BenchmarkResult]

    def metric(self, benchmark: str, name: str) -> Metric | None:
        """The metric, or None where this stage did not measure it."""
        result = self.benchmarks.get(benchmark)
        return result.metrics.get(name) if result else None


@dataclass(frozen=True, slots=True)
class Marked:
    """A model's text and the spans to mark in it, as they stood in the file: offsets may be nonsense."""

    text: str
    spans: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """One image and question with the answer before and after; `truth` lists what the image shows."""

    image: str
    question: str
    before: Marked
    after: Marked | None
    truth: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Correction:
    """An answer as the model gave it and as the annotator left it, with the edits between them."""

    image: str
    question: str
    original: str
    corrected: str
    segments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class RoundPoint:
    """A checkpoint of a round of alignment and the metric `name` (`BENCHMARK.METRIC`) there; `best` of its round."""

    round: int
    name: str
    value: Metric
    best: bool


@dataclass(frozen=True, slots=True)
class Quoted:
    """A number that others published, as they printed it."""

    model: str
    metric: str
    value: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run. The first stage is before, the second after; further ones come from a comparison.

    `conditions` are lines on what two runs differ in besides their models.
    `differences` maps stage name, benchmark and metric to the change against the first stage. Everything but the
    title and the stages may be empty.
    """

    title: str
    stages: tuple[Stage, ...]
    version: str = ""
    seed: int | None = None
    quick: bool = False
    created: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    differences: dict[str, dict[str, dict[str, Difference]]] = field(default_factory=dict)
    annotation: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    corrections: tuple[Correction, ...] = ()
    rounds: tuple[RoundPoint, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
    coverage: dict[str, Any] = field(default_factory=dict)
    published: tuple[Quoted, ...] = ()
    conditions: tuple[str, ...] = ()

    @property
    def before(self) -> Stage:
        """The model as it was given."""
        return self.stages[0]

    @property
    def after(self) -> Stage | None:
        """The model after the run's own training, or None where nothing was trained."""
        return self.stages[1] if len(self.stages) > 1 else None

    def difference(self, stage: Stage, benchmark: str, name: str) -> Difference:
        """The change of a metric against the first stage; without an interval where the file gives no paired one."""
        given = self.differences.get(stage.name, {}).get(benchmark, {}).get(name)
        if given is not None:
            return given
        old, new = self.before.metric(benchmark, name), stage.metric(benchmark, name)
        if old is None or new is None or old.value is None or new.value is None:
            return Difference(None)
        return Difference(new.value - old.value)
