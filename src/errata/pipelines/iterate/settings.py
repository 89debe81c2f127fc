"""What `errata iterate` is told: one file of settings for all rounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from errata.errors import ConfigError
from errata.feedback import ClaimSettings
from errata.generation import GenerationSettings

SELF = "self"
"""A labeller of this name is the model that the round begins with."""


@dataclass(frozen=True, slots=True)
class Comparing:
    """How a round's answers are compared: claim by claim, as `errata feedback claims` does.

    Args:
        labeller: As that verb takes it, or `self`: the model that the round begins with labels its own answers.
        splitter, suffix, cache: As that verb takes them.
        max_tokens: Room for the replies of both, in place of their prompts' own.
        reply_models: Names under which endpoints may reply beside the asked ones; none takes every name.
        timeout_s: Longest wait for one reply of an endpoint.
        pairs: How pairs are made; every round draws with a seed of its own.
    """

    labeller: str
    splitter: str = "rules"
    suffix: str | None = None
    cache: Path | None = None
    max_tokens: int | None = None
    reply_models: tuple[str, ...] = ()
    timeout_s: float = 120.0
    pairs: ClaimSettings = field(default_factory=ClaimSettings)


@dataclass(frozen=True, slots=True)
class Measuring:
    """What a round is measured by.

    Args:
        metric: `BENCHMARK.METRIC` that decides which checkpoint is best; its direction is the metric's own.
        benchmarks: What is measured; the decisive one among them.
        annotations, data, image_root, vocabulary, options: As `errata eval` takes them.
        judge, judge_cache: Who judges, where a benchmark needs it.
        judge_max_tokens, judge_reply_models, judge_timeout_s: As in `Comparing`, of the judge.
        generation: How answers are drawn.
        checkpoints: `all` measures every checkpoint that training saved, `last` the trained model alone.
    """

    metric: str = "chair.chair_s"
    benchmarks: tuple[str, ...] = ("chair",)
    annotations: Path | None = None
    data: Path | None = None
    image_root: Path | None = None
    vocabulary: Path | None = None
    options: tuple[str, ...] = ()
    judge: str | None = None
    judge_cache: Path | None = None
    judge_max_tokens: int | None = None
    judge_reply_models: tuple[str, ...] = ()
    judge_timeout_s: float = 120.0
    generation: GenerationSettings = field(default_factory=GenerationSettings)
    checkpoints: Literal["all", "last"] = "all"


@dataclass(frozen=True, kw_only=True)
class IterateRun:
    """Rounds of generate, feedback, train and evaluate (RLAIF-V's, arXiv 2405.17220, in one command).

    Args:
        model: The model that the first round begins with: a folder, a Hub name, `BASE+ADAPTER`.
        questions: JSON lines of questions about images.
        image_root: Where their image paths start; None is their folder.
        out: Holds one folder a round.
        rounds: How many at most.
        questions_per_round: How many questions a round draws, others in every round while there are any; None takes
            all of them in each.
        samples: Answers to each question.
        generation: How they are drawn.
        feedback: How they are compared.
        recipe: Of training.
        train: Settings that replace the recipe's.
        evaluation: By what the best checkpoint is chosen.
        patience: Rounds in a row without a gain after which it stops.
        least_gain: What counts as a gain, in the metric's own unit: 0.01 is one per cent point of a share.
        most_lost: The share of a round's answers that may lack a verdict because a judge gave none; with more, the
            round stops, and the same command asks for those alone.
        seed: Of questions, answers, pairs and training; every round has its own, made of it.
    """

    model: str
    questions: Path
    image_root: Path | None = None
    out: Path = Path("runs/iterate")
    rounds: int = 4
    questions_per_round: int | None = None
    samples: int = 10
    generation: GenerationSettings = field(default_factory=lambda: GenerationSettings(temperature=0.7))
    feedback: Comparing
    recipe: str = "rlaifv"
    train: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Measuring = field(default_factory=Measuring)
    patience: int = 1
    least_gain: float = 0.0
    most_lost: float = 0.01
    seed: int = 0

    @property
    def root(self) -> Path:
        """Where image paths start."""
        return self.image_root or self.questions.parent

    def __post_init__(self) -> None:
        least = {
            "rounds": 1,
            "questions_per_round": 1,
            "samples": 2,
            "patience": 1,
            "least_gain": 0,
            "most_lost": 0,
            "seed": 0,
        }
        for name, bound in least.items():
            value = getattr(self, name)
            if value is not None and value < bound:
                raise ConfigError(name, expected=f"at least {bound}", found=str(value), fix="change the setting")
        taken = {"model", "data", "out", "seed", "image_root"} & {name.partition(".")[0] for name in self.train}
        if taken - {"model"} or (isinstance(self.train.get("model"), Mapping) and "name" in self.train["model"]):
            name = sorted(taken)[0]
            fix = "leave it out: every round sets it"
            raise ConfigError(f"train.{name}", expected="a setting of the recipe", found=name, fix=fix)
        benchmark, _, metric = self.evaluation.metric.partition(".")
        if not metric or not any(benchmark.startswith(name) for name in self.evaluation.benchmarks):
            raise ConfigError(
                "evaluation.metric",
                expected=f"BENCHMARK.METRIC of {', '.join(self.evaluation.benchmarks)}",
                found=self.evaluation.metric,
                fix="name one that is measured",
            )
