"""Optimiser and schedule of a run, built on toy weights: what fails here would fail after the model is loaded."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import torch
from torch import nn
from transformers import Trainer, TrainingArguments
from transformers.optimization import get_scheduler
from transformers.trainer_optimizer import is_optimizer_factory
from transformers.trainer_utils import SchedulerType

from errata.errors import ConfigError, ErrataError

TORCH_OPTIMISERS = (
    "adamw_torch",
    "adamw_torch_fused",
    "adafactor",
    "adagrad",
    "rmsprop",
    "sgd",
)
"""Optimisers that need no further package; transformers has no `optim_args` for them."""

_STEPS_INSIDE_BACKWARD = ("lomo", "adalomo")
_UNSCHEDULED = (SchedulerType.CONSTANT, SchedulerType.CONSTANT_WITH_WARMUP)


def rehearse(settings: TrainingArguments) -> None:
    """Build the optimiser and the schedule and take two steps. Raises ConfigError, naming the setting."""
    _check_optimiser(settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimiser = _build_optimiser(settings)
        _try_schedule(settings, optimiser)


@contextmanager
def refusing(
    where: str = "", fix: str = "change the setting, or leave it out", settings: TrainingArguments | None = None
) -> Iterator[None]:
    """Turn what a library says into ConfigError about `where`, or about the setting that its message names.

    Of several names, those go first that `settings` were given.
    """
    try:
        yield
    except ErrataError:
        raise
    except Exception as error:  # libraries raise what they like: NotImplementedError, KeyError, AssertionError, ...
        told = " ".join(str(error).split()) or type(error).__name__
        place = where or _find_named(told, settings)
        raise ConfigError(place, expected="a setting that can be carried out here", found=told, fix=fix) from error


def _find_named(told: str, settings: TrainingArguments | None) -> str:
    """The setting that a message is about: the longest name, as `use_cpu` may be part of another."""
    named = [field for field in fields(TrainingArguments) if re.search(rf"\b{field.name}\b", told)]
    given = [field for field in named if getattr(settings, field.name, field.default) != field.default]
    return max((field.name for field in given or named), key=len, default="settings")


def _check_optimiser(settings: TrainingArguments) -> None:
    name = str(settings.optim.value)
    if name in _STEPS_INSIDE_BACKWARD or name.endswith("layerwise"):
        raise ConfigError(
            "optim",
            expected="an optimiser that steps once a step",
            found=f"{name}, which steps in every backward pass, of which a step has several",
            fix="choose another",
        )
    for field in ("optim_args", "optim_target_modules"):
        if getattr(settings, field) is not None and name in TORCH_OPTIMISERS:
            fix = "leave it out, or choose the optimiser that it belongs to"
            raise ConfigError(field, expected=f"nothing beside {name}", found=str(getattr(settings, field)), fix=fix)


def _build_optimiser(settings: TrainingArguments) -> torch.optim.Optimizer:
    told = copy.copy(settings)
    if told.optim_target_modules is not None:
        told.optim_target_modules = "all-linear"  # toy weights have no such names
    # Without initial values, so that the random numbers of the run stay untouched.
    toy: Any = nn.utils.skip_init(nn.Linear, 2, 2, bias=False)  # type: ignore[no-untyped-call]
    others = f"install what it needs, or choose one of {', '.join(TORCH_OPTIMISERS)}"
    with refusing("optim", others):
        build, options = Trainer.get_optimizer_cls_and_kwargs(told, toy)
        if is_optimizer_factory(build):
            return build()(toy, **options)  # type: ignore[no-any-return]
        weights = options.pop("params", toy.parameters())
        return build(weights, **options)  # type: ignore[no-any-return]


def _try_schedule(settings: TrainingArguments, optimiser: torch.optim.Optimizer) -> None:
    if settings.lr_scheduler_kwargs and settings.lr_scheduler_type in _UNSCHEDULED:
        found = f"{settings.lr_scheduler_kwargs} beside {settings.lr_scheduler_type.value}"
        raise ConfigError("lr_scheduler_kwargs", expected="nothing", found=found, fix="leave it out")
    steps = settings.max_steps if settings.max_steps > 0 else 100
    where = "lr_scheduler_kwargs" if settings.lr_scheduler_kwargs else "lr_scheduler_type"
    with refusing(where, "choose arguments that the schedule takes, or another schedule"):
        schedule = get_scheduler(
            settings.lr_scheduler_type,
            optimizer=optimiser,
            num_warmup_steps=settings.get_warmup_steps(steps),
            num_training_steps=steps,
            scheduler_specific_kwargs=settings.lr_scheduler_kwargs,
        )
        needs_metric = settings.lr_scheduler_type in (SchedulerType.REDUCE_ON_PLATEAU, SchedulerType.GREEDY)
        for _ in range(2):
            schedule.step(*([0.0] if needs_metric else []))
