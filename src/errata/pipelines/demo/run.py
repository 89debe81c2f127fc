"""`errata demo`: the main job, end to end, on the synthetic world and a tiny LLaVA that ships with the package.

Measure, correct, align, measure again, report: with the records, trainer, objectives and benchmarks that a real model
uses. Every stage leaves its result in the run's folder; the same command continues a run that was stopped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from errata.config import load_settings
from errata.models import LoadedModel, ModelSettings, load_model
from errata.models.tiny import one_thread
from errata.pipelines.demo.results import build_results
from errata.pipelines.demo.settings import DemoResult, DemoSettings, open_folder
from errata.pipelines.progress import OnProgress, name_progress
from errata.pipelines.world.corrections import Corrections, collect_corrections, uncorrected
from errata.pipelines.world.scores import measure
from errata.records import BenchmarkResult, write_records
from errata.reports import render_report
from errata.storage import write_document
from errata.training import TrainResult, TrainRun, train
from errata.world import CORRECTION, EVALUATION, Carelessness, Scene, base_folder, sample_scenes, write_images

BASE = "medium"
TEMPERATURE = 0.7
"""Corrected answers are sampled, as RLHF-V's were, so that people also see what the model says now and then."""
QUICK = ("records_per_step=16", "learning_rate=3.0e-4")
"""A tenth of the corrections in one epoch takes smaller and larger steps to show anything."""


def run_demo(settings: DemoSettings, on_progress: OnProgress, *, fresh: bool = False) -> DemoResult | None:
    """Run or continue the demo. None where a signal stopped it; the same call continues it.

    Raises:
        ConfigError: `out` holds a run with other settings, or something else.
        StorageError: A full disk or a folder that cannot be written.
    """
    open_folder(settings, fresh=fresh)
    with one_thread():
        return _Demo(settings, on_progress).run()


class _Demo:
    """The stages of one run, with what they share."""

    def __init__(self, settings: DemoSettings, on_progress: OnProgress) -> None:
        self.settings, self.on_progress, self.root = settings, on_progress, settings.out
        self.timings: dict[str, float] = {}
        self.scenes = sample_scenes(settings.split, settings.measured_scenes, settings.seed, EVALUATION)

    def run(self) -> DemoResult | None:
        base = load_model(ModelSettings(name=str(base_folder(BASE)), device="cpu"))
        with self._timed("render"):
            write_images(self.scenes, self.root)
        scores = {"base": self._measure("base", base)}
        corrections = self._correct(base)
        runs: dict[str, TrainResult] = {}
        for stage, recipe, data in self._methods():
            trained = self._align(stage, recipe, data)
            if trained.signalled or trained.model is None:
                return None
            runs[stage] = trained
            scores[stage] = self._measure(stage, load_model(ModelSettings(name=str(trained.model), device="cpu")))
        return self._report(scores, corrections, runs)

    def _measure(self, stage: str, loaded: LoadedModel) -> dict[str, BenchmarkResult]:
        with self._timed(f"measure {stage}"):
            return measure(
                loaded,
                self.scenes,
                self.root,
                stage,
                lambda what, *counts: self.on_progress(f"{stage}: {what}", *counts),
            )

    def _correct(self, base: LoadedModel) -> Corrections:
        """Have answers on other scenes corrected, and write the records that training reads."""
        settings = self.settings
        scenes: list[Scene] = sample_scenes("correction", settings.corrected_scenes, settings.seed, CORRECTION)
        with self._timed("correct"):
            write_images(scenes, self.root)
            corrections = collect_corrections(
                base,
                scenes,
                self.root,
                seed=settings.seed,
                temperature=TEMPERATURE,
                care=Carelessness(),
                on_progress=self.on_progress,
            )
        if settings.corrections is not None:
            corrections = corrections.first(settings.corrections, settings.seed)
        write_records(self.root / "records.jsonl", corrections.records)
        if settings.compare:
            write_records(self.root / "records-own.jsonl", uncorrected(corrections.records))
        return corrections

    def _methods(self) -> Iterator[tuple[str, str, str]]:
        """Stage name, recipe and records of every method to align with."""
        yield "ddpo", "world-ddpo", "records.jsonl"
        if self.settings.compare:
            yield "dpo", "world-dpo", "records.jsonl"
            yield "sft", "world-sft", "records.jsonl"
            yield "sft-own", "world-sft", "records-own.jsonl"

    def _align(self, stage: str, recipe: str, data: str) -> TrainResult:
        """Train through the same call as `errata train RECIPE`."""
        folder = self.root / "training" / stage
        stated = [
            f"model.name={base_folder(BASE)}",
            f"data={self.root / data}",
            f"out={folder}",
            f"seed={self.settings.seed}",
        ]
        quick = QUICK if self.settings.quick else ()
        with self._timed(f"align {stage}"):
            run = load_settings(TrainRun, Path(recipe), [*stated, "model.device=cpu", *quick])
            return train(run, name_progress(self.on_progress, stage))

    def _report(
        self, scores: dict[str, dict[str, BenchmarkResult]], corrections: Corrections, runs: dict[str, TrainResult]
    ) -> DemoResult:
        results = build_results(
            self._state(),
            self.scenes,
            scores,
            corrections,
            runs,
            self.timings,
        )
        write_document(self.root / "results.json", results)
        self.on_progress("report", 0, 1)
        report = render_report(self.root)
        self.on_progress("report", 1, 1)
        return DemoResult(self.root, results, report, complete=not any(run.set_aside for run in runs.values()))

    def _state(self) -> dict[str, Any]:
        """What the numbers depend on, as JSON values."""
        settings = self.settings
        stated = asdict(settings) | {
            "overrides": list(QUICK) if settings.quick else [],
            "temperature": TEMPERATURE,
            "base": BASE,
        }
        stated |= {"measured_scenes": settings.measured_scenes, "corrected_scenes": settings.corrected_scenes}
        return {name: value for name, value in stated.items() if name != "out"}

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.timings[stage] = round(time.perf_counter() - start, 2)
