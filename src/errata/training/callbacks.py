"""Telling how far a run is, and stopping when the process is asked to end.

How far a stage of a run is: told to a function, or shown by a bar.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from tqdm.auto import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from typing_extensions import override

from errata.training.processes import any_process
from errata.training.settings import PreferenceConfig

OnProgress = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done, and of how much."""


class Progress:
    """The progress of a run's stages, which the first process tells.

    Args:
        args: `disable_tqdm`, and which process this is.
        on_progress: Told instead of a bar.
    """

    def __init__(self, args: PreferenceConfig, on_progress: OnProgress | None) -> None:
        self._first = args.process_index == 0
        self._shows, self._tell = self._first and not args.disable_tqdm, on_progress

    def tell(self, what: str, done: int, total: int) -> None:
        """Say where a stage is that has a bar of its own, or none."""
        if self._tell is not None and self._first:
            self._tell(what, done, total)

    @contextmanager
    def count(self, what: str, total: int) -> Iterator[Callable[[int], object]]:
        """Give a function that takes how many more are done."""
        if self._tell is None:
            with tqdm(total=total, desc=what.capitalize(), unit="record", disable=not self._shows) as bar:
                yield bar.update
            return
        done = 0

        def advance(more: int) -> None:
            nonlocal done
            done += more
            self.tell(what, done, total)

        self.tell(what, 0, total)
        yield advance


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
