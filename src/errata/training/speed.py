"""How many tokens of rows are computed in a second, in the log and beside the progress bar."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transformers import ProgressCallback, TrainerControl, TrainerState, TrainingArguments
from typing_extensions import override

from errata.training.processes import gather
from errata.trees import TreeRow


def count_tokens(row: TreeRow, *, shared_prefix: bool) -> int:
    """Tokens that a pass over the row computes; without a shared prefix every response repeats it."""
    if shared_prefix or row.layout is None:
        return row.input_ids.shape[1]
    return sum(shape.prefix * len(shape.responses) + sum(shape.responses) for shape in row.layout.samples)


SHOWN = ("loss", "rewards/accuracies", "rewards/margins", "grad_norm", "learning_rate", "epoch")
"""What of a log line stands above the bar; the file and the trackers get all of it."""


class TokenRate:
    """Tokens since the last line of the log by the seconds since then; pauses do not count."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin to count now."""
        self._tokens, self._paused, self._since = 0, 0.0, time.perf_counter()

    def add(self, tokens: int) -> None:
        """Count tokens of this process."""
        self._tokens += tokens

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What happens inside is not training: an evaluation, a checkpoint."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._paused += time.perf_counter() - start

    def find_rate(self) -> float:
        """Tokens a second of this process so far."""
        return self._tokens / max(time.perf_counter() - self._since - self._paused, 1e-9)

    def take(self) -> float:
        """Tokens a second of all processes; afterwards the count starts anew."""
        rate = sum(gather(self.find_rate()))
        self.start()
        return rate


class TokenProgress(ProgressCallback):  # type: ignore[misc]
    """The Trainer's progress bar with tokens a second behind it."""

    def __init__(self, rate: TokenRate) -> None:
        super().__init__()
        self._rate = rate

    @override
    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            speed = self._rate.find_rate() * args.world_size
            self.training_bar.set_postfix_str(f"{speed:,.0f} tokens/s", refresh=False)
        super().on_step_end(args, state, control, **kwargs)

    @override
    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        shown = {name: value for name, value in (logs or {}).items() if name.removeprefix("eval_") in SHOWN}
        if shown.keys() - {"epoch"}:  # the last line sums up times alone
            super().on_log(args, state, control, logs=shown, **kwargs)
