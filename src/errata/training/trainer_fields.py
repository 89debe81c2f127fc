"""Fields of `transformers.TrainingArguments`: what is honoured here, and within which bounds.

The Trainer is told of everything that it acts on itself. A field that would change nothing here, or something else than
it says, is refused by its name before a model is loaded.
"""

from __future__ import annotations

import difflib
import json
import math
import multiprocessing
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import TrainingArguments
from transformers.trainer_utils import HubStrategy, IntervalStrategy, SaveStrategy, SchedulerType
from transformers.training_args import OptimizerNames
from transformers.utils.logging import get_log_levels_dict

from errata.errors import ConfigError

Allowed = Mapping[str, tuple[tuple[Any, ...], str]]
"""Field -> (the values that are honoured, what to do about any other)."""

_OWN_LOSS = "leave it out; the loss, its average and its batches are those of the objective"
_OWN_METRICS = "leave it out; an evaluation computes the losses and rewards of its records, and keeps no predictions"
_OWN_ORDER = "leave it out; the seed fixes the order of the records, and rows are balanced by their length"
_NO_PUSH = "leave it out; upload the folder `model` of the finished run with `hf upload`"

HONOURED: Allowed = {
    "accelerator_config": ((None,), "leave it out; records_per_step says what a step holds on all processes"),
    "auto_find_batch_size": ((False,), "lower max_tokens_per_row where memory is short; the result stays"),
    "average_tokens_across_devices": ((True,), _OWN_LOSS),
    "batch_eval_metrics": ((False,), _OWN_METRICS),
    "bf16_full_eval": ((False,), "set bf16; an evaluation runs in the format of training"),
    "dataloader_in_order": ((True,), _OWN_ORDER),
    "dataloader_pin_memory": ((False,), "leave it out; rows are small beside the model"),
    "do_predict": ((False,), "run `errata generate` or `errata eval` on the trained model"),
    "enable_jit_checkpoint": ((False,), "leave it out; SIGTERM always ends a run with a checkpoint"),
    "eval_accumulation_steps": ((None,), _OWN_METRICS),
    "eval_do_concat_batches": ((True,), _OWN_METRICS),
    "eval_use_gather_object": ((False,), _OWN_METRICS),
    "fp16_full_eval": ((False,), "set fp16; an evaluation runs in the format of training"),
    "hub_always_push": ((False,), _NO_PUSH),
    "hub_model_id": ((None,), _NO_PUSH),
    "hub_private_repo": ((None,), _NO_PUSH),
    "hub_revision": ((None,), _NO_PUSH),
    "hub_strategy": (("every_save", HubStrategy.EVERY_SAVE), _NO_PUSH),
    "include_for_metrics": (([],), _OWN_METRICS),
    "include_num_input_tokens_seen": (("no", False), "leave it out; the log has tokens/s"),
    "label_names": ((None,), _OWN_LOSS),
    "label_smoothing_factor": ((0, 0.0), "set label_smoothing, the assumed share of flipped preferences"),
    "length_column_name": (("length",), _OWN_ORDER),
    "liger_kernel_config": ((None,), "leave it out"),
    "logging_nan_inf_filter": ((False,), "leave it out; a loss that is no number stops the run"),
    "neftune_noise_alpha": ((None,), "leave it out; noise would make the responses of a tree see different models"),
    "parallelism_config": ((None,), "leave it out, and start processes with torchrun"),
    "push_to_hub": ((False,), _NO_PUSH),
    "remove_unused_columns": ((False,), "leave it out"),
    "torch_compile": ((False,), "leave it out; rows differ in shape, so that every one would be compiled anew"),
    "torch_compile_backend": ((None,), "leave it out, as torch_compile"),
    "torch_compile_mode": ((None,), "leave it out, as torch_compile"),
    "train_sampling_strategy": (("random",), _OWN_ORDER),
    "use_cache": ((False,), "leave it out; it is for generation"),
    "use_liger_kernel": ((False,), "leave it out; logits are made chunk by chunk anyway (logps_chunk_tokens)"),
}

_CHOICES: Mapping[str, type[Any]] = {
    "eval_strategy": IntervalStrategy,
    "logging_strategy": IntervalStrategy,
    "save_strategy": SaveStrategy,
    "hub_strategy": HubStrategy,
    "lr_scheduler_type": SchedulerType,
    "optim": OptimizerNames,
}

_LEAST_ONE = (
    "per_device_train_batch_size",
    "per_device_eval_batch_size",
    "gradient_accumulation_steps",
    "save_total_limit",
    "dataloader_prefetch_factor",
    "torch_empty_cache_steps",
    "ddp_timeout",
    "ddp_bucket_cap_mb",
)
_ABOVE_ZERO = ("num_train_epochs", "adam_epsilon", "logging_steps", "save_steps", "eval_steps")
_LEAST_ZERO = (
    "learning_rate",
    "weight_decay",
    "warmup_steps",
    "eval_delay",
    "max_grad_norm",
)
_SHARES = ("adam_beta1", "adam_beta2")


def require_honoured(settings: Any, allowed: Allowed) -> None:
    """Raise ConfigError for a field with a value that would be ignored or mean something else here."""
    for name, (values, fix) in allowed.items():
        value = getattr(settings, name, values[0])  # other releases of transformers lack some fields
        if not any(value == one and type(value) is type(one) for one in values):
            raise ConfigError(name, expected=" or ".join(_show(one) for one in values), found=_show(value), fix=fix)


def check_trainer_fields(settings: TrainingArguments) -> None:
    """Raise ConfigError for what the Trainer would refuse late, obscurely, or not at all."""
    require_honoured(settings, HONOURED)
    _check_groups(settings)
    _check_choices(settings)
    _check_numbers(settings)
    _check_loader(settings)


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "nothing" if value is None else str(getattr(value, "value", value))


def _check_groups(settings: TrainingArguments) -> None:
    """Raise ConfigError for a group of settings that is none: text may be JSON, or the name of a file with JSON."""
    for name in settings._VALID_DICT_FIELDS:
        value = getattr(settings, name, None)
        if not value or isinstance(value, dict):
            continue
        if name in ("deepspeed", "fsdp_config") and not str(value).startswith("{"):
            right = Path(str(value)).is_file()
            found = f"{value!r}, where there is none"
        else:
            found = repr(value)
            right = isinstance(value, str) and _is_json_group(value)
        if not right:
            raise ConfigError(name, expected="a group of settings, or a JSON file", found=found, fix="correct it")


def _is_json_group(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _check_choices(settings: TrainingArguments) -> None:
    levels = [*get_log_levels_dict(), "passive"]
    known = {name: [member.value for member in kind] for name, kind in _CHOICES.items()}
    for name, choices in (known | {"log_level": levels, "log_level_replica": levels}).items():
        value = getattr(settings, name)
        value = getattr(value, "value", value)
        if value not in choices:
            near = difflib.get_close_matches(str(value), choices, n=1)
            fix = f"did you mean {near[0]!r}?" if near else "choose one of them"
            raise ConfigError(name, expected="one of " + ", ".join(choices), found=_show(value), fix=fix)


def _check_numbers(settings: TrainingArguments) -> None:
    for name in _LEAST_ONE:
        _require(settings, name, "a whole number of at least 1", _counts)
    for name in _ABOVE_ZERO:
        _require(settings, name, "a finite number above 0", lambda value: 0 < value < math.inf)
    for name in _LEAST_ZERO:
        _require(settings, name, "a number of at least 0", lambda value: 0 <= value < math.inf)
    _require(settings, "dataloader_num_workers", "a whole number of at least 0", lambda value: _counts(value + 1))
    for name in _SHARES:
        _require(settings, name, "a number from 0 to below 1", lambda value: 0 <= value < 1)
    expected = "a whole number of at least 1, or -1 to count in epochs"
    _require(settings, "max_steps", expected, lambda value: value == -1 or _counts(value))


def _counts(value: float) -> bool:
    """Whether this can be a number of things that a run goes through."""
    return 1 <= value < 2**31 and value == int(value)


def _require(settings: TrainingArguments, name: str, expected: str, fits: Any) -> None:
    """Raise ConfigError for a value that is there and does not fit."""
    value: Any = getattr(settings, name, None)
    if value is None:
        return
    try:
        right = not isinstance(value, bool) and not math.isnan(value) and fits(value)
    except (TypeError, ValueError, OverflowError):
        right = False
    if not right:
        raise ConfigError(name, expected=expected, found=repr(value), fix="change the value, or leave it out")


def _check_loader(settings: TrainingArguments) -> None:
    """Raise ConfigError for settings of worker processes, or of several processes, where there are none."""
    workers = settings.dataloader_num_workers
    for name in ("dataloader_persistent_workers", "dataloader_prefetch_factor", "dataloader_multiprocessing_context"):
        value = getattr(settings, name, None)
        if value and not workers:
            fix = "set dataloader_num_workers, or leave it out"
            raise ConfigError(name, expected="worker processes", found=f"{value} without any", fix=fix)
    if settings.ddp_backend is not None and "WORLD_SIZE" not in os.environ:
        fix = "leave it out, or start the command with torchrun"
        raise ConfigError("ddp_backend", expected="several processes", found=f"{settings.ddp_backend} in one", fix=fix)
    context = getattr(settings, "dataloader_multiprocessing_context", None)
    if workers and (context not in (None, "fork") or "fork" not in multiprocessing.get_all_start_methods()):
        raise ConfigError(
            "dataloader_multiprocessing_context" if context else "dataloader_num_workers",
            expected="worker processes that are forked, which share the encoded records",
            found=context or "a system that cannot fork",
            fix="leave it out",
        )
    if workers and hasattr(settings, "dataloader_multiprocessing_context"):
        settings.dataloader_multiprocessing_context = "fork"
