"""`transformers.Trainer` for preference records: loss, batching and evaluation are ours, all else is the library's."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase, PrinterCallback, ProcessorMixin, ProgressCallback, set_seed
from transformers.trainer_utils import EvalLoopOutput, TrainOutput, align_special_tokens
from transformers.utils import logging
from typing_extensions import override

from errata.errors import count_noun
from errata.models import quiet_transformers
from errata.objectives import preference_loss
from errata.training.batches import EncodedRecords, StepShare, list_parts, take_share
from errata.training.best_metric import check_best_metric
from errata.training.callbacks import OnProgress, Progress, ReportSteps, StopOnSignal
from errata.training.divergence import StopOnDivergence, default_max_loss
from errata.training.encode import SetAside, encode_dataset, resolve_model, resolve_reference
from errata.training.features import FrozenFeatures
from errata.training.metrics import RunningMeans, Share, drop_repeats, measure_row
from errata.training.optimising import OptimisingTrainer
from errata.training.passes import Passes
from errata.training.processes import find_inner, run_as_forward
from errata.training.reference import Reference, score_row
from errata.training.sampler import StepSampler, require_step
from errata.training.settings import PreferenceConfig
from errata.training.speed import TokenProgress, TokenRate, count_tokens
from errata.training.weights import choose_trainable, prepare_start, require_checkpoint, switch_off_dropout
from errata.trees import TreeRow, evaluating

logger = logging.get_logger(__name__)


class PreferenceTrainer(OptimisingTrainer):
    """Trains a model on preference records through the tree batch.

    Args:
        model: A LoadedModel, a LLaVA (also inside PEFT), a folder or a Hub name.
        ref_model: Another model to be the reference; None, or the model itself, is the model as it is given, a PEFT
            adapter included.
        args: See `PreferenceConfig`.
        train_dataset, eval_dataset: Records, LoadedRecords, or a vision preference data set in TRL's form.
        processing_class: The model's processor, where the model is given as an object.
        peft_config: New adapters to train instead of the model's weights. An adapter that the model has is merged
            first, and the merged base is written to `base` in `output_dir`.
        on_progress: Called with a stage, how much of it is done, and of how much; None shows bars.
        **options: As for `transformers.Trainer`: callbacks, optimizers, ...

    `set_aside` lists the records that were left out; `start` says what became of an adapter that was given.

    Raises:
        ConfigError, DataError, ModelError: See `resolve_model` and `encode_dataset`.
    """

    # The loss below is already divided by the records of the whole step.
    loss_is_scaled_for_ga = True

    def __init__(
        self,
        model: Any,
        ref_model: nn.Module | None = None,
        args: PreferenceConfig | None = None,
        *,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        processing_class: Any = None,
        peft_config: Any = None,
        on_progress: OnProgress | None = None,
        **options: Any,
    ) -> None:
        args = PreferenceConfig() if args is None else args
        args._n_gpu = min(args.n_gpu, 1)  # more GPUs take part as processes of their own, by torchrun
        self.objective = args.build_objective()
        self._progress = Progress(args, on_progress)
        if isinstance(eval_dataset, dict):
            check_best_metric(args, self.objective, list(eval_dataset))
        loaded = resolve_model(model, processing_class, args, adapters=peft_config is not None)
        ref_model = resolve_reference(ref_model, loaded.model)
        self.adapter, self.processor_files = loaded.adapter, loaded.files
        self.set_aside: list[SetAside] = []
        self._means, self._rate = RunningMeans(), TokenRate()
        self._stop, self._divergence = StopOnSignal(), StopOnDivergence()
        self._reference = Reference(ref_model, self.adapter, self.objective, args, self._compute_logps)
        models = [loaded.model, *([] if ref_model is None else [ref_model])]
        for each in models:
            switch_off_dropout(each)
        self._passes = Passes(self.adapter, models, args)
        if peft_config is None:
            choose_trainable(loaded.model, vision=args.train_vision, projector=args.train_projector)
        set_seed(args.seed)  # new adapters begin with random numbers
        start = prepare_start(loaded, peft_config, args)
        self.start = start.message
        if start.message:
            logger.warning(start.message)
        own = [self._divergence, self._stop, ReportSteps(self._progress)]
        options["callbacks"] = [*(options.get("callbacks") or []), *own]
        super().__init__(
            model=start.model,
            args=args,
            data_collator=take_share,
            train_dataset=self._encode(train_dataset, args),
            eval_dataset=self._encode(eval_dataset, args),
            processing_class=loaded.processor,
            **options,
        )
        if start.keeps_adapter:
            self._reference.keep_adapter(self.model)
        self._features = FrozenFeatures(self.adapter, self.model, args.image_memory_mb)
        self.remove_callback(PrinterCallback)  # the log is in `state.log_history` and beside the progress bar
        if self.pop_callback(ProgressCallback) is not None:
            self.add_callback(TokenProgress(self._rate))

    # Data

    def _encode(self, dataset: Any, args: PreferenceConfig) -> Any:
        if isinstance(dataset, dict):
            return {name: self._encode(part, args) for name, part in dataset.items()}
        if dataset is None or isinstance(dataset, EncodedRecords):
            return dataset
        encoded, aside = encode_dataset(dataset, self.adapter, self.objective, args, self._progress)
        if aside:
            told = count_noun(len(aside), "record")
            logger.warning("%s set aside; the first: %s, %s", told, aside[0].id, aside[0].reason)
            self.set_aside += aside
        return encoded

    def _get_train_sampler(self, train_dataset: EncodedRecords | None = None) -> StepSampler:
        data = train_dataset if train_dataset is not None else self.train_dataset
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        return self._build_sampler(data, self.args.step_records, self.args.gradient_accumulation_steps, seed)

    def _get_eval_sampler(self, eval_dataset: EncodedRecords) -> StepSampler:
        return self._build_sampler(eval_dataset, self.args.eval_batch_size * self.args.world_size, 1, None)

    def _build_sampler(self, data: EncodedRecords, records: int, accumulation: int, seed: int | None) -> StepSampler:
        return StepSampler(
            data.lengths,
            records_per_step=records,
            accumulation=accumulation,
            processes=self.args.world_size,
            rank=self.args.process_index,
            seed=seed,
            drop_last=seed is not None and self.args.dataloader_drop_last,
            portions=data.portions if seed is not None else (),
        )

    # Loss

    @override
    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, StepShare],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Tensor:
        """The share's part of the step's loss, times the processes that gradients are averaged over.

        All rows but the last go through their backward pass here, so that one row's activations are held at a time.
        """
        share = inputs["share"]
        scale = 0.0 if share.filler else self.accelerator.num_processes / share.step_records
        done = torch.zeros((), device=self.args.device)
        for row, reference in zip(share.rows[:-1], share.references, strict=False):
            with self.accelerator.no_sync(model):
                loss = self._compute_row(model, row, reference, not share.filler) * scale
                self.accelerator.backward(loss)
            done += loss.detach()
        return done + self._compute_row(model, share.rows[-1], share.references[-1], not share.filler) * scale

    def _compute_row(self, model: nn.Module, row: TreeRow, reference: Tensor | None, counts: bool) -> Tensor:
        """The sum of the losses of a row's records."""
        losses, values = self._compare(model, row, reference)
        if counts:
            self._means.add(values)
            self._rate.add(count_tokens(row, shared_prefix=self._passes.shares_prefix))
            self._divergence.add([sample.id for sample in row.samples], losses)
        return losses.sum()

    def _compare(
        self, model: nn.Module, row: TreeRow, reference: Tensor | None
    ) -> tuple[Tensor, dict[str, Tensor | Share]]:
        """The loss of each record, and what the log says of the row."""
        if reference is None:
            reference = self._reference.compute(find_inner(model), row)
        logps = run_as_forward(model, partial(self._compute_logps, find_inner(model), row))
        scores = score_row(logps, row, self.objective)
        reference_scores = None if reference is None else score_row(reference, row, self.objective)
        output = preference_loss(self.objective, scores, reference_scores, row.records, row.contrasts)
        return output.losses, measure_row(self.objective, row, output, logps, reference)

    def _compute_logps(self, model: nn.Module, row: TreeRow) -> Tensor:
        with self.accelerator.autocast():
            return self._passes.compute(model, self._features.fill(model, row))

    # Running

    def train(self, resume_from_checkpoint: str | bool | None = None, **options: Any) -> TrainOutput:
        """Train; see `transformers.Trainer.train`. True resumes from the last complete checkpoint in `output_dir`."""
        if resume_from_checkpoint is True:
            resume_from_checkpoint = str(require_checkpoint(self.args.output_dir))
        if self.args.dataloader_drop_last:
            require_step(len(self.train_dataset), self.train_dataset.portions, self.args.step_records)
        self._progress.tell("self-check", 0, 1)
        if isinstance(self.processing_class, (PreTrainedTokenizerBase, ProcessorMixin)):
            with quiet_transformers():  # the Trainer does it too, with a notice where something is left to do
                align_special_tokens(self.model, self.processing_class)
        self._passes.check(self.model, self.train_dataset, self.accelerator.autocast())
        self._progress.tell("self-check", 1, 1)
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            self._reference.require_whole()
        self._reference.layout = "tree" if self._passes.shares_prefix else "separate"
        self._reference.prepare(self.model, [self.train_dataset], self._progress, self._find_used())
        self._reference.prepare(self.model, list_parts(self.eval_dataset), self._progress)
        self._reference.policy_has_moved = True
        self._divergence.max_loss = self._find_max_loss()
        self._rate.start()
        with self._stop:
            return super().train(resume_from_checkpoint=resume_from_checkpoint or None, **options)

    @property
    def tree_check(self) -> str | None:
        """What the comparison with separate passes found, or why no row can share a prefix; None before it is known."""
        return self._passes.message

    @property
    def signalled(self) -> bool:
        """Whether a signal came while it trained, if only after the last step."""
        return self._stop.requested

    @property
    def interrupted(self) -> bool:
        """Whether a signal ended training before its last step."""
        return self._stop.interrupted

    def _find_max_loss(self) -> float:
        if self.args.max_loss is not None:
            return float(self.args.max_loss)
        vocab_size = self.adapter.text_config(self.model).vocab_size
        return default_max_loss(self.objective, vocab_size, self.train_dataset.longest_best)

    def evaluate(self, eval_dataset: Any = None, *args: Any, **options: Any) -> dict[str, float]:
        """Loss, rewards and accuracies of the data set, exact over all records; see `transformers.Trainer.evaluate`."""
        if eval_dataset is not None and not isinstance(eval_dataset, str):
            eval_dataset = self._encode(eval_dataset, self.args)
        parts = list_parts(self.eval_dataset if eval_dataset is None else eval_dataset)
        self._reference.prepare(self.model, parts, self._progress)
        with self._rate.paused():
            metrics: dict[str, float] = super().evaluate(eval_dataset, *args, **options)
        return metrics

    @override
    def evaluation_loop(
        self,
        dataloader: Any,
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> EvalLoopOutput:
        """Sums and counts per record and pair over all processes, so that no batch weighs more than its records."""
        means = RunningMeans()
        self.callback_handler.eval_dataloader = dataloader  # what its bar counts
        with torch.no_grad(), evaluating(self.model):
            for batch in dataloader:
                share: StepShare = self._prepare_inputs(batch)["share"]
                for row, reference in zip(share.rows, share.references, strict=True):
                    losses, values = self._compare(find_inner(self.model), row, reference)
                    if not share.filler:
                        means.add(values | {"loss": losses})
                        self._divergence.add([sample.id for sample in row.samples], losses)
                self.callback_handler.on_prediction_step(self.args, self.state, self.control)
        self._divergence.require_finite(f"evaluation at step {self.state.global_step}", self.args.device)
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in drop_repeats(means.take()).items()}
        return EvalLoopOutput(None, None, metrics, len(dataloader.dataset))

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the averages since the last line of the training log."""
        if "loss" in logs:
            logs |= drop_repeats(self._means.take()) | {"tokens/s": self._rate.take()}
        super().log(logs, start_time)
