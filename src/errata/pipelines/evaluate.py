"""Benchmarks and a model -> questions, answers, scores: a result folder that can be continued.

The folder holds `settings.json`, `questions/*.jsonl`, `answers/*.jsonl` and `results.json`, which `errata report`
renders and `errata compare` reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from errata.benchmarks import (
    Mode,
    Setup,
    build_benchmarks,
    require_images,
)
from errata.generation import EndpointSettings, GenerationSettings, read_failures
from errata.judges import Judge
from errata.pipelines.answer import Ask, OnProgress, load_answerer
from errata.pipelines.best_of import BestOf
from errata.pipelines.evaluate_folder import check_folder
from errata.pipelines.evaluate_results import build_results, list_quotable
from errata.pipelines.judging import JudgeSettings, open_judge
from errata.pipelines.measuring import Coverage, Measured, measure_answers
from errata.pipelines.setups import build_setups, load_questions
from errata.records import BenchmarkResult, Question, write_questions, write_text
from errata.text import require_plain_question


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """What is measured, on which images.

    Args:
        model: Whatever `load_answerer` takes: a checkpoint folder, an adapter folder, a Hub name, an endpoint.
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


def evaluate(
    settings: EvaluationSettings,
    out: str | Path,
    *,
    fresh: bool = False,
    ask: Ask | None = None,
    on_progress: OnProgress | None = None,
) -> Evaluation:
    """Measure a model; answers that the folder holds already, and verdicts that the cache holds, are kept.

    Args:
        settings: What is measured.
        out: The result folder.
        fresh: Start over even where the folder holds answers.
        ask: Answers questions in place of the model, in tests.
        on_progress: Told about every batch of answers, and about verdicts.

    Raises:
        ConfigError: An unknown benchmark or option, a judge that is needed and not named or lacks its key, or a folder
            with the results of other settings.
        DataError: Data that cannot be used, a question with another tool's markup, or an image that does not open.
        ModelError: A model or a judge that cannot be loaded.
    """
    out = Path(out)
    benchmarks = build_benchmarks(settings.benchmarks, settings.options)
    judge = open_judge(benchmarks, settings.judge)
    setups = build_setups(settings, benchmarks, settings.model, settings.generation.seed)
    asked = {one.card.name: load_questions(one, setups[one.card.name]) for one in benchmarks}
    for name, questions in asked.items():
        require_images(questions, setups[name].image_root or Path())
    stated = check_folder(out, settings, list(asked), fresh=fresh)
    answerers = _Answerers(settings, ask, on_progress)
    measured = {}
    for benchmark in benchmarks:
        name = benchmark.card.name
        reply = answerers.find(setups[name].image_root or Path())
        write_questions(out / "questions" / f"{name}.jsonl", asked[name])
        write_text(out / "settings.json", json.dumps(stated, ensure_ascii=False, indent=1) + "\n")
        path = out / "answers" / f"{name}.jsonl"
        answers = reply(asked[name], path)
        measured[name] = measure_answers(
            benchmark, asked[name], answers, setups[name], judge, on_progress, read_failures(path)
        )
    return write_evaluation(measured, asked, setups, stated, out, judge)


def write_evaluation(
    measured: Mapping[str, Measured],
    asked: Mapping[str, Sequence[Question]],
    setups: Mapping[str, Setup],
    stated: dict[str, Any],
    out: Path,
    judge: Judge | None = None,
) -> Evaluation:
    """Write `results.json`. Raises StorageError."""
    content = build_results(measured, asked, setups, stated, out)
    write_text(out / "results.json", json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    results = [result for one in measured.values() for result in one.results]
    coverage = {name: one.coverage for name, one in measured.items()}
    judges = {name: one.judge for name, one in measured.items() if one.judge}
    asked_now, recalled = (judge.asked, judge.recalled) if judge else (0, 0)
    return Evaluation(results, coverage, asked_now, recalled, judges, list_quotable(measured, setups))


class _Answerers:
    """The model, loaded when it is first needed and again only for images in another folder."""

    def __init__(self, settings: EvaluationSettings, ask: Ask | None, on_progress: OnProgress | None) -> None:
        self._settings, self._ask, self._on_progress = settings, ask, on_progress
        self._root: Path | None = None

    def find(self, root: Path) -> Ask:
        """What answers questions about images below `root`."""
        if self._ask is None or (self._root is not None and self._root != root):
            settings = self._settings
            official = settings.mode == "official" and settings.annotations is None  # asked as they are
            self._ask = load_answerer(
                settings.model,
                root,
                settings.generation,
                self._on_progress,
                endpoint=settings.endpoint,
                best_of=settings.best_of,
                check=None if official else require_plain_question,
            )
            self._root = root
        return self._ask
