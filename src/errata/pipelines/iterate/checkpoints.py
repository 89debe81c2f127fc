"""The checkpoints of a round, each with what the decisive metric was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errata.endpoints import EndpointSettings
from errata.errors import ConfigError, JudgeError
from errata.pipelines.evaluate.judging import JudgeSettings
from errata.pipelines.evaluate.run import evaluate
from errata.pipelines.evaluate.settings import Evaluation, EvaluationSettings
from errata.pipelines.iterate.settings import IterateRun, Measuring
from errata.pipelines.progress import OnProgress, name_progress
from errata.records import Metric


@dataclass(frozen=True, slots=True)
class Candidate:
    """A checkpoint and what the decisive metric was.

    Attributes:
        evaluation: Its result folder.
        missing: Questions without an answer or a verdict.
        reasons: Why they are without one, as `count_reasons` gives them.
    """

    name: str
    model: str
    evaluation: str
    metric: Metric
    missing: int = 0
    reasons: tuple[dict[str, Any], ...] = ()

    @property
    def score(self) -> float:
        """The metric, turned so that more is better; minus infinity where it has no value."""
        if self.metric.value is None:
            return float("-inf")
        return -self.metric.value if self.metric.better == "lower" else self.metric.value


def list_checkpoints(run: IterateRun, model: Path) -> list[Path]:
    """What a round's training left, in the order of the steps, the trained model last."""
    if run.evaluation.checkpoints == "last":
        return [model]
    saved = [path for path in model.parent.glob("checkpoint-*") if (path / "trainer_state.json").is_file()]
    saved.sort(key=lambda path: int(path.name.rpartition("-")[2]))
    if saved and saved[-1].name == f"checkpoint-{_read_steps(model.parent)}":
        saved.pop()  # the trained model's own weights
    return [*saved, model]


def measure_checkpoint(
    run: IterateRun, name: str, model: str, folder: Path, on_progress: OnProgress | None
) -> Candidate:
    """Evaluate a model as the settings say.

    Raises:
        ConfigError: The decisive metric is not among the results.
        JudgeError: A judge gave too few verdicts, so that checkpoints would be compared on different answers.
    """
    told, out = run.evaluation, folder / "evaluation" / name
    settings = EvaluationSettings(
        model=model,
        annotations=told.annotations,
        image_root=told.image_root,
        benchmarks=told.benchmarks,
        vocabulary=told.vocabulary,
        data=told.data,
        options=told.options,
        generation=told.generation,
        judge=_build_judge(told),
    )
    evaluation = evaluate(settings, out, on_progress=name_progress(on_progress, f"{folder.name}, {name}"))
    _require_verdicts(evaluation, run.most_lost, out)
    found = list(evaluation.coverage.values())
    missing = sum(one.questions - one.answered + one.unjudged + one.unreadable for one in found)
    reasons = tuple(reason for one in found for reason in one.reasons)
    benchmark, _, metric = told.metric.partition(".")
    for result in evaluation.results:
        if result.benchmark.replace("-", "_") == benchmark and metric in result.metrics:
            return Candidate(name, model, str(out), result.metrics[metric], missing, reasons)
    known = [f"{one.benchmark.replace('-', '_')}.{name}" for one in evaluation.results for name in one.metrics]
    raise ConfigError(
        "evaluation.metric", expected=", ".join(known), found=told.metric, fix="name one that is measured"
    )


def _build_judge(told: Measuring) -> JudgeSettings | None:
    if not told.judge:
        return None
    endpoint = EndpointSettings(reply_models=told.judge_reply_models, timeout_s=told.judge_timeout_s)
    return JudgeSettings(told.judge, max_tokens=told.judge_max_tokens, endpoint=endpoint, cache=told.judge_cache)


def _require_verdicts(evaluation: Evaluation, most_lost: float, out: Path) -> None:
    for name, found in evaluation.coverage.items():
        lost = found.unjudged
        if lost > most_lost * found.answered:
            raise JudgeError(
                str(out),
                expected=f"verdicts on all but {most_lost:.0%} of {found.answered} answers to {name}",
                found=f"{lost} without",
                fix="give the same command again, which asks for these alone, or accept more with most_lost",
            )


def _read_steps(folder: Path) -> int:
    return int(json.loads((folder / "result.json").read_text(encoding="utf-8"))["steps"])
