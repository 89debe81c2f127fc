"""Which metric says that a checkpoint is the best, checked before a model is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from transformers import TrainingArguments
from transformers.trainer_utils import IntervalStrategy, SaveStrategy

from errata.errors import ConfigError
from errata.objectives import Objective


def check_best_metric(settings: TrainingArguments, objective: Objective, datasets: Sequence[str] = ()) -> None:
    """Raise ConfigError where the metric is not measured, or where nothing is evaluated that could tell the best.

    Args:
        settings: The run's.
        objective: Decides which metrics there are.
        datasets: Names of the data sets that are evaluated, where they have names.
    """
    name = settings.metric_for_best_model
    chooses = settings.load_best_model_at_end or settings.save_strategy == SaveStrategy.BEST
    if name is None and not chooses:
        return
    if settings.eval_strategy == IntervalStrategy.NO:
        asked = "save_strategy" if settings.save_strategy == SaveStrategy.BEST else "metric_for_best_model"
        found = f"{getattr(settings.save_strategy, 'value', '')!r}" if asked == "save_strategy" else repr(name)
        fix = "set eval_strategy and the records to evaluate on, or leave it out"
        raise ConfigError(asked, expected="an evaluation beside it", found=f"{found} without one", fix=fix)
    if name is None:
        fix = "name one, such as loss or rewards/accuracies"
        raise ConfigError("metric_for_best_model", expected="a metric beside save_strategy best", found="none", fix=fix)
    _require_measured(name, [f"{prefix}{one}" for prefix in _prefixes(datasets) for one in list_metrics(objective)])


def find_direction(settings: TrainingArguments) -> bool | None:
    """Whether more is better, where the settings leave it open and the Trainer would go by the end of the name."""
    name = settings.metric_for_best_model
    given: bool | None = settings.greater_is_better
    if given is not None or name is None:
        return given
    return not re.search(r"(^|_)loss(/|$)", name.removeprefix("eval_"))


def list_metrics(objective: Objective) -> Iterator[str]:
    """What an evaluation measures; N and M stand for levels."""
    compares, weighs = objective.pairing != "none", objective.weights != "none" or objective.round_weight
    yield "loss"
    yield from ("loss/preference",) if compares else ()
    yield from ("loss/anchor",) if objective.anchor != "none" else ()
    yield from ("loss/image", "rewards/image_margins", "rewards/image_accuracies") if objective.needs_contrast else ()
    yield from ("loss/sft",) if objective.sft_weight else ()
    sides = ("chosen", "rejected") if compares else ("chosen",)
    yield from (f"{kind}/{side}" for kind in ("logps", "lengths") for side in sides)
    yield from (f"drift/{side}" for side in sides if objective.needs_reference)
    if compares:
        yield from ("rewards/margins", "rewards/accuracies", "rewards/chosen", "rewards/rejected")
        yield from ("rewards/level-N", "accuracies/N-M")
    yield from ("tokens/weighted",) if weighs else ()


def _prefixes(datasets: Sequence[str]) -> list[str]:
    return [f"{name}_" for name in datasets] or [""]


def _require_measured(name: str, known: Sequence[str]) -> None:
    asked = name.removeprefix("eval_")
    patterns = [re.sub(r"\b[NM]\b", r"\\d+", re.escape(one).replace(r"\-", "-")) for one in known]
    if not any(re.fullmatch(pattern, asked) for pattern in patterns):
        raise ConfigError(
            "metric_for_best_model",
            expected="one of " + ", ".join(known),
            found=repr(name),
            fix="name a metric of this objective; TRL's names mean the same here",
        )
