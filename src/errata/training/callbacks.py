"""Telling how far a run is, and stopping when the process is asked to end."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from typing_extensions import override

from errata.training.processes import any_process
from errata.training.progress import Progress


class ReportSteps(TrainerCallback):  # type: ignore[misc]
    """Tells how many optimiser steps are done, and how many batches of an evaluation."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._evaluated = progress, 0

    @override
    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._progress.tell("training", state.global_step, state.max_steps)

    @override
    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._progress.tell("training", state.global_step, state.max_steps)

    @override
    def on_prediction_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        eval_dataloader: Any = None,
        **kwargs: Any,
    ) -> None:
        self._evaluated += 1
        self._progress.tell("evaluation", self._evaluated, len(eval_dataloader))

    @override
    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._evaluated = 0


class StopOnSignal(TrainerCallback):  # type: ignore[misc]
    """A context in which SIGINT and SIGTERM end training after the step at hand, with a checkpoint.

    Before the first step there is nothing to keep: a signal is a KeyboardInterrupt then. A second signal acts at once,
    as it would outside; one that is ignored stays ignored. `requested` says whether one came, `interrupted` whether it
    cost any step.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self.requested = self._began = False
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopOnSignal:
        self.interrupted = self.requested = self._began = False
        # Python hands signals to the main thread only; elsewhere the caller has to stop the run.
        if threading.current_thread() is threading.main_thread():
            heard = [one for one in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(one) != signal.SIG_IGN]
            self._previous = {name: signal.signal(name, self._request) for name in heard}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._restore()

    def _request(self, *_: int | FrameType | None) -> None:
        self.requested = True
        self._restore()
        if not self._began:
            raise KeyboardInterrupt

    def _restore(self) -> None:
        for name, handler in self._previous.items():
            signal.signal(name, handler)
        self._previous = {}

    @override
    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._began = True

    @override
    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        if any_process(self.requested, args.device):
            self.interrupted = state.global_step < state.max_steps
            control.should_save = args.save_strategy != "no"
            control.should_training_stop = True
        return control
