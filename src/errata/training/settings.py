"""What a preference run can be told: every field of `transformers.TrainingArguments`, and these."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments
from transformers.debug_utils import DebugOption
from transformers.integrations.integration_utils import get_available_reporting_integrations

from errata.corrections import OneSided
from errata.errors import ConfigError
from errata.images import CorruptionRule
from errata.objectives import Objective, build_objective
from errata.training.best_metric import check_best_metric, find_direction
from errata.training.recomputation import check_checkpointing, rename_checkpointing
from errata.training.rehearsal import refusing, rehearse
from errata.training.trainer_fields import check_trainer_fields
from errata.training.trl_fields import TrlFields
from errata.trees import choose_attention

REFERENCE_INSIDE_OUTPUT = "auto"
"""`reference_cache` of this value means the folder `reference` inside `output_dir`."""

_OVERRIDES = (
    "reduction",
    "weights",
    "corrected_weight",
    "pairing",
    "link",
    "beta",
    "target_margin",
    "reference_free",
    "label_smoothing",
    "anchor",
    "anchor_weight",
    "anchor_margin",
    "image_weight",
    "sft_weight",
    "round_weight",
)


@dataclass
class PreferenceConfig(TrlFields, TrainingArguments):  # type: ignore[misc]
    """Arguments of `PreferenceTrainer`; a script written for TRL's `DPOConfig` passes the same names.

    The objective is a preset (`dpo`, `ddpo`, `mdpo`, ...; see `errata.objectives.PRESETS`) whose numbers the fields
    from `reduction` to `round_weight` replace where they are not None.
    """

    objective: str | None = field(default=None, metadata={"help": "Name of a preset; None is what `loss_type` says."})
    reduction: str | None = field(default=None, metadata={"help": "Token log-probs to one number: sum or mean."})
    weights: str | None = field(default=None, metadata={"help": "Which tokens weigh more: none, segments, released."})
    corrected_weight: float | None = field(default=None, metadata={"help": "Weight of a corrected token (gamma)."})
    pairing: str | None = field(default=None, metadata={"help": "Which levels are compared."})
    link: str | None = field(default=None, metadata={"help": "Margin to loss: logistic, hinge, squared, ..."})
    beta: float | None = field(default=None, metadata={"help": "Distance from the reference costs this much."})
    target_margin: float | None = field(default=None, metadata={"help": "Lead that the better reward must have."})
    reference_free: bool | None = field(default=None, metadata={"help": "Leave the reference out of the scores."})
    label_smoothing: float | None = field(default=None, metadata={"help": "Assumed share of flipped preferences."})
    anchor: str | None = field(default=None, metadata={"help": "Pull on the best response: none, unbounded, ..."})
    anchor_weight: float | None = field(default=None, metadata={"help": "Weight of the anchor."})
    anchor_margin: float | None = field(default=None, metadata={"help": "Reward that the logistic anchor asks for."})
    image_weight: float | None = field(
        default=None, metadata={"help": "Weight of the best response under its image against a corrupted one."}
    )
    sft_weight: float | None = field(default=None, metadata={"help": "Weight of the best response's likelihood."})
    round_weight: float | None = field(default=None, metadata={"help": "Extra token weight per later round."})
    one_sided: OneSided = field(
        default="present",
        metadata={"help": "Which tokens weigh more where a correction only adds or only removes text."},
    )
    image_contrast: CorruptionRule = field(
        default="crop", metadata={"help": "How images are corrupted for image_weight: crop, noise, black."}
    )
    records_per_step: int | None = field(
        default=None,
        metadata={"help": "Records of one optimiser step, over all processes; None: batch x accumulation x processes."},
    )
    max_tokens_per_row: int = field(
        default=4096,
        metadata={"help": "Tokens of one forward pass; more records than fit are run one row after another."},
    )
    logps_chunk_tokens: int | None = field(
        default=None, metadata={"help": "Response tokens whose vocabulary scores are in memory at one time."}
    )
    reference_cache: str | None = field(
        default=REFERENCE_INSIDE_OUTPUT,
        metadata={"help": "Folder of the reference's log-probs; None runs the reference at every step."},
    )
    skip_bad: bool = field(default=False, metadata={"help": "Set unusable records aside; else the first one stops."})
    image_root: str | None = field(default=None, metadata={"help": "Folder that relative image paths start from."})
    image_memory_mb: int = field(
        default=1024, metadata={"help": "Memory for decoded images, and as much again for features of a frozen tower."}
    )
    train_vision: bool = field(default=False, metadata={"help": "Also train the vision tower."})
    train_projector: bool = field(default=False, metadata={"help": "Also train the projector after it."})
    max_loss: float | None = field(
        default=None,
        metadata={"help": "A step with a larger loss stops the run; None: far more than any policy that still learns."},
    )
    attention: str = field(
        default="auto",
        metadata={"help": "Attention of a row: split, varlen (one call, on a GPU in half precision), or auto."},
    )
    self_check: bool = field(
        default=True, metadata={"help": "Compare one record with separate passes before training."}
    )

    # Defaults of TrainingArguments that differ here.
    learning_rate: float = field(default=1e-6, metadata={"help": "Peak learning rate."})
    logging_steps: float = field(default=10, metadata={"help": "Steps between two lines of the log."})
    # A NaN must stop the run, not be shown as 0.
    logging_nan_inf_filter: bool = field(default=False, metadata={"help": "Kept off: a NaN loss is shown as it is."})
    remove_unused_columns: bool = field(default=False, metadata={"help": "Kept off: rows are built from records."})
    # Rows are few and small beside the model, and pinning warns where there is no accelerator.
    dataloader_pin_memory: bool = field(default=False, metadata={"help": "Pin the memory of batches."})

    def __post_init__(self) -> None:
        self.check_trl_fields()
        self._check_own_fields()
        rename_checkpointing(self)
        check_trainer_fields(self)
        self.greater_is_better = find_direction(self)
        with refusing(settings=self):
            super().__post_init__()
        self._check_reports()
        self._check_machine()
        check_checkpointing(self)
        # The model is not loaded yet: of the number format the best is assumed.
        choose_attention(self.attention, self.device, torch.bfloat16)
        check_best_metric(self, self.build_objective())
        rehearse(self)

    def build_objective(self) -> Objective:
        """The preset with this config's overrides. Raises ConfigError with the nearest name or the broken rule."""
        preset, values = (self.objective, {}) if self.objective else self.translate_loss_type()
        values |= {name: getattr(self, name) for name in _OVERRIDES if getattr(self, name) is not None}
        objective = build_objective(preset, **values)
        if objective.pairing != "none" and objective.beta == 0 and not objective.sft_weight:
            fix = "use 0.1: with 0 nothing would be learnt"
            raise ConfigError("beta", expected="above 0 where nothing but pairs teaches", found="0", fix=fix)
        return objective

    @property
    def step_records(self) -> int:
        """Records of one optimiser step over all processes."""
        if self.records_per_step is not None:
            return self.records_per_step
        return int(self.train_batch_size * self.gradient_accumulation_steps * self.world_size)

    @property
    def reference_folder(self) -> Path | None:
        """Where the reference's log-probabilities are kept; None where the reference runs at every step."""
        if self.reference_cache is None or self.precompute_ref_log_probs is False:
            return None
        if self.reference_cache == REFERENCE_INSIDE_OUTPUT:
            return Path(self.output_dir) / "reference"
        return Path(self.reference_cache)

    def _check_own_fields(self) -> None:
        if self.objective and self.loss_type is not None:
            raise ConfigError(
                "loss_type",
                expected="either `objective` or `loss_type`",
                found=f"objective {self.objective!r} and loss_type {self.loss_type!r}",
                fix="keep one of them",
            )
        for name in ("records_per_step", "max_tokens_per_row", "logps_chunk_tokens", "max_length"):
            value: Any = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(name, expected="a number of at least 1", found=str(value), fix="change the value")
        if self.image_memory_mb < 0:
            found = str(self.image_memory_mb)
            raise ConfigError("image_memory_mb", expected="at least 0", found=found, fix="use 0 to remember nothing")
        if self.reference_cache == "":
            fix = "use null to run it at every step"
            raise ConfigError("reference_cache", expected="a folder, auto or null", found="no text", fix=fix)
        if self.max_loss is not None and not self.max_loss > 0:
            found = str(self.max_loss)
            raise ConfigError("max_loss", expected="a number above 0", found=found, fix="use .inf for no limit")
        for name in ("seed", "data_seed"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 2**32:
                raise ConfigError(name, expected="a number from 0 to 4294967295", found=str(value), fix="choose one")

    def _check_machine(self) -> None:
        """Raise ConfigError for what this machine or this number of processes cannot do."""
        if self.fp16 and self.device.type == "cpu":
            raise ConfigError("fp16", expected="a GPU", found="a run on the CPU", fix="leave it out, or set bf16")
        if DebugOption.TPU_METRICS_DEBUG in self.debug:
            fix = "leave it out"
            raise ConfigError("debug", expected="underflow_overflow", found="tpu_metrics_debug", fix=fix)
        if self.fsdp and self.world_size == 1:
            fix = "leave it out, or start the command with torchrun"
            raise ConfigError("fsdp", expected="several processes", found=f"{self.fsdp} in one", fix=fix)
        if self.fsdp_config and not self.fsdp and self.fsdp_plugin_args is None:
            fix = "set fsdp, or leave it out"
            raise ConfigError("fsdp_config", expected="fsdp beside it", found=str(self.fsdp_config), fix=fix)

    def _check_reports(self) -> None:
        """Raise ConfigError for a tracker that is unknown or not installed, before a model is loaded for it."""
        available = (*get_available_reporting_integrations(), "flyte")  # flyte is the one that is not listed
        missing = [name for name in self.report_to if name not in available]
        if missing:
            raise ConfigError(
                "report_to",
                expected=f"a tracker that is installed: {', '.join(available)}",
                found=repr(missing[0]),
                fix="install it, or leave report_to out",
            )
