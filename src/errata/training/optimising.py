"""What `transformers.Trainer` makes of optimiser, schedule and number of steps, told as settings where it fails."""

from __future__ import annotations

import math
from typing import Any

from torch import nn
from transformers.utils import logging
from typing_extensions import override

from errata.training.rehearsal import refusing
from errata.training.sampler import StepSampler
from errata.training.saving import SavingTrainer

logger = logging.get_logger(__name__)


class OptimisingTrainer(SavingTrainer):
    """A Trainer whose steps hold as many records as the sampler gives them."""

    def _get_train_sampler(self, train_dataset: Any = None) -> StepSampler:
        raise NotImplementedError

    def _find_used(self) -> set[int]:
        """The records that the run's steps will show."""
        sampler = self._get_train_sampler()
        steps = self.args.max_steps
        return sampler.find_used(steps if steps > 0 else math.ceil(self.args.num_train_epochs * sampler.steps))

    def set_initial_training_values(self, args: Any, dataloader: Any) -> tuple[Any, ...]:
        """As the Trainer's, with the records that steps really hold."""
        epochs, steps_per_epoch, examples, _, _, batches, steps = super().set_initial_training_values(args, dataloader)
        drawn = self._get_train_sampler().count_drawn(steps)
        return epochs, steps_per_epoch, examples, drawn, self.args.step_records, batches, steps

    @override
    def create_optimizer(self, model: nn.Module | None = None) -> Any:
        """As the Trainer's. Raises ConfigError where the optimiser does not go with this model."""
        with refusing("optim", "choose another optimiser or other optim_target_modules"):
            return super().create_optimizer(model)

    @override
    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """As the Trainer's; a run of one step is not spent on a warm-up that begins at 0."""
        if num_training_steps == 1 and self.args.get_warmup_steps(1):
            logger.warning("the run's only step would have a learning rate of 0: it has no warm-up")
            self.args.warmup_steps = 0
        return super().create_scheduler(num_training_steps, optimizer)

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        with refusing("metric_for_best_model", "name a metric of this data"):
            return bool(super()._determine_best_metric(metrics, trial))
