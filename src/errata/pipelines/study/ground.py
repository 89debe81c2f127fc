"""What all conditions of a study share under one seed: scenes, the base, training and measuring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

from errata.config import list_overrides, load_settings
from errata.errors import ConfigError
from errata.generation.local import generate
from errata.models import LoadedModel, ModelSettings, load_model
from errata.pipelines.progress import OnProgress, name_progress
from errata.pipelines.world.corrections import Corrections, collect_corrections
from errata.pipelines.world.scores import DESCRIPTION, score_descriptions
from errata.records import Answer, Record, write_records
from errata.training import TrainRun, train
from errata.world import (
    CORRECTION,
    EVALUATION,
    Carelessness,
    Scene,
    base_folder,
    describe_questions,
    sample_scenes,
    write_images,
)

Split = Literal["evaluation", "validation"]
BASE = "medium"
SAMPLED = 0.7
"""Corrected answers are sampled, as in the demo."""


class Ground:
    """One seed of a study; everything it makes lies below `root` and is taken from there the next time.

    Args:
        root: The seed's folder.
        seed: Of scenes, sampling and training.
        measured_scenes: How many scenes models are measured on.
        split: Which of them: settings are chosen on "validation" and reported on "evaluation".
        on_progress: Told what is under way.
    """

    def __init__(self, root: Path, seed: int, measured_scenes: int, split: Split, on_progress: OnProgress) -> None:
        self.root, self.seed, self.on_progress = root, seed, on_progress
        self.measured = sample_scenes(split, measured_scenes, seed, EVALUATION)
        write_images(self.measured, root)

    def sample_collected(self, count: int) -> list[Scene]:
        """Scenes that answers are collected on. Their images are written."""
        scenes = sample_scenes("correction", count, self.seed, CORRECTION)
        write_images(scenes, self.root)
        return scenes

    def describe(self, name: str, scenes: Sequence[Scene]) -> list[Answer]:
        """What a shipped base says of scenes, greedily."""
        return generate(
            load_base(name),
            describe_questions(scenes),
            replace(DESCRIPTION, seed=self.seed),
            image_root=self.root,
            out=self.root / "answers" / f"{name}-{len(scenes)}-0.jsonl",
            on_progress=partial(self.on_progress, f"seed {self.seed}: {name} describes"),
        )

    def collect_corrections(self, count: int) -> Corrections:
        """What the annotator corrects in the base's sampled answers to so many scenes, as in the demo."""
        return collect_corrections(
            load_base(BASE),
            self.sample_collected(count),
            self.root,
            seed=self.seed,
            temperature=SAMPLED,
            care=Carelessness(),
            on_progress=self.on_progress,
        )

    def train(self, name: str, recipe: str, records: Sequence[Record], settings: Mapping[str, Any]) -> Path:
        """The base after training on records. Raises ConfigError where a condition names no recipe."""
        if not recipe:
            raise ConfigError(name, expected="a recipe", found="none", fix="name one in the study's file")
        data, out = self.root / name / "records.jsonl", self.root / name / "training"
        write_records(data, records)
        fixed = [f"model.name={base_folder(BASE)}", "model.device=cpu", f"seed={self.seed}"]
        paths = [f"data={data}", f"image_root={self.root}", f"out={out}"]
        run = load_settings(TrainRun, recipe, [*list_overrides(settings), *fixed, *paths])
        trained = train(run, name_progress(self.on_progress, f"seed {self.seed}, {name}"))
        if trained.model is None:
            raise KeyboardInterrupt
        return trained.model

    def measure(self, name: str, loaded: LoadedModel) -> dict[str, float]:
        """CHAIR of greedy descriptions."""
        out = self.root / "answers" / f"{name}-chair.jsonl"
        answers = generate(loaded, describe_questions(self.measured), DESCRIPTION, image_root=self.root, out=out)
        return self.score(answers, name)

    def score(self, answers: Sequence[Answer], name: str) -> dict[str, float]:
        """CHAIR of descriptions of the measured scenes, in their order."""
        result = score_descriptions(answers, self.measured, name)
        return {key: metric.value for key, metric in result.metrics.items() if metric.value is not None}

    @cached_property
    def base(self) -> dict[str, float]:
        """CHAIR of the base before anything was done."""
        return self.measure("base", load_base(BASE))


def load_base(name: str) -> LoadedModel:
    """A shipped base on the CPU."""
    return load_model(ModelSettings(name=str(base_folder(name)), device="cpu"))
