"""Stopping: before a non-finite gradient reaches the weights, and when the process is asked to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from typing_extensions import override

from errata.errors import ModelError


class NonFiniteGradientError(ModelError):
    """A gradient is NaN or infinite; the weights are still those of the step before."""


class ReportSteps(TrainerCallback):  # type: ignore[misc]
    """Tells a function how many optimiser steps are done, of how many."""

    def __init__(self, on_step: Callable[[int, int], None]) -> None:
        self._on_step = on_step

    @override
    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._on_step(state.global_step, state.max_steps)


class StopOnNonFinite(TrainerCallback):  # type: ignore[misc]
    """Raises NonFiniteGradientError between the backward pass and the optimiser, on every process alike."""

    @override
    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if args.fp16:
            return  # an overflow is part of float16's loss scaling, which skips the step itself
        model: nn.Module = kwargs["model"]
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        if not _all_finite(gradients):
            raise NonFiniteGradientError(
                f"step {state.global_step + 1}",
                expected="finite gradients",
                found="a gradient that is NaN or infinite",
                fix="lower the learning rate or beta, or change the precision; the last checkpoint is untouched",
            )


def _all_finite(gradients: list[Tensor]) -> bool:
    if not gradients:
        return True
    norms = torch.stack([norm.to(gradients[0].device) for norm in torch._foreach_norm(gradients)])
    return not _any_process(not bool(norms.isfinite().all()), norms.device)


def _any_process(flag: bool, device: torch.device) -> bool:
    """True everywhere where `flag` is True on one process: all of them must leave the loop together."""
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return flag
    votes = torch.tensor(int(flag), device=device)
    dist.all_reduce(votes, op=dist.ReduceOp.MAX)
    return bool(votes.item())


class StopOnSignal(TrainerCallback):  # type: ignore[misc]
    """A context in which SIGINT and SIGTERM end training after the step at hand, with a checkpoint.

    A second signal acts at once, as it would outside. `interrupted` says whether one came.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self._requested = False
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopOnSignal:
        self.interrupted = self._requested = False
        # Python hands signals to the main thread only; elsewhere the caller has to stop the run.
        if threading.current_thread() is threading.main_thread():
            self._previous = {name: signal.signal(name, self._request) for name in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._restore()

    def _request(self, *_: int | FrameType | None) -> None:
        self._requested = True
        self._restore()

    def _restore(self) -> None:
        for name, handler in self._previous.items():
            signal.signal(name, handler)
        self._previous = {}

    @override
    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        if _any_process(self._requested, args.device):
            self.interrupted = state.global_step < state.max_steps
            control.should_save = args.save_strategy != "no"
            control.should_training_stop = True
        return control
