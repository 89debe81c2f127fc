"""Supervised fine-tuning: the same run with an objective that compares nothing."""

from __future__ import annotations

from dataclasses import dataclass

from errata.errors import ConfigError
from errata.training.run import TrainRun


@dataclass(kw_only=True)
class SftRun(TrainRun):
    """Everything one `errata sft` is told: a `TrainRun` whose objective is `sft` where nothing else is said.

    The loss of a record is the mean of -log p over the tokens that the assistant writes in all its turns, and a step's
    loss the mean over its records: a short answer counts as much as a long one.

    Raises:
        ConfigError: An objective that compares responses.
    """

    objective: str | None = "sft"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.build_objective().pairing != "none":
            raise ConfigError(
                "objective",
                expected="one that compares nothing, such as 'sft'",
                found=repr(self.objective),
                fix="run the recipe with `errata train`",
            )
