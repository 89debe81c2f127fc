"""Fields of the library's Trainer: honoured, or refused by name before a model is loaded."""

from __future__ import annotations

import contextlib
from dataclasses import fields

import pytest
import torch
from transformers import TrainingArguments

from errata.config import load_settings
from errata.errors import ConfigError
from errata.training import PreferenceConfig, SftRun, TrainRun

EVAL = "eval_data=more.jsonl"


def settings(*overrides, kind=TrainRun):
    stated = ["model.name=absent", "model.device=cpu", "data=absent.jsonl", "objective=dpo"]
    stated = [*stated[:3], "objective=sft"] if kind is SftRun else stated
    return load_settings(kind, None, [*stated, *overrides])


@pytest.fixture
def no_gpu(monkeypatch):
    """The same refusals on a machine with a GPU; the library remembers what it found, and in both its modules."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for name in ("is_torch_bf16_gpu_available", "is_torch_tf32_available"):
        monkeypatch.setattr(f"transformers.training_args.{name}", lambda: False)


REFUSED = [
    # packages that are missing, and optimisers that do not go with several backward passes a step
    ("optim=adamw_bnb_8bit", "optim"),
    ("optim=paged_lion_8bit", "optim"),
    ("optim=galore_adamw", "optim"),
    ("optim=apollo_adamw", "optim"),
    ("optim=grokadamw", "optim"),
    ("optim=stable_adamw", "optim"),
    ("optim=schedule_free_adamw", "optim"),
    ("optim=adamw_torch_8bit", "optim"),
    ("optim=adamw_torch_xla", "optim"),
    ("optim=adamw_anyprecision", "optim"),
    ("optim=lomo", "optim"),
    ("optim=galore_adamw_layerwise", "optim"),
    ("optim=adamwx", "did you mean"),
    ("optim_args=r=1", "optim_args"),
    ("optim_target_modules=all-linear", "optim_target_modules"),
    ("use_liger_kernel=true", "use_liger_kernel"),
    ("fsdp=full_shard", "fsdp"),
    ("fsdp_config={min_num_params: 5}", "fsdp_config"),
    ("deepspeed=ds.json", "deepspeed"),
    ("deepspeed={zero_optimization: {stage: 2}}", "deepspeed"),
    ("ddp_backend=gloo", "ddp_backend"),
    ("torch_compile=true", "torch_compile"),
    ("torch_compile_backend=inductor", "torch_compile_backend"),
    ("neftune_noise_alpha=5", "neftune_noise_alpha"),
    ("parallelism_config={tp_size: 2}", "parallelism_config"),
    ("accelerator_config={split_batches: true}", "accelerator_config"),
    # schedules
    ("lr_scheduler_type=cosin", "did you mean 'cosine'"),
    ("lr_scheduler_type=cosine_with_min_lr", "lr_scheduler_type"),
    ("lr_scheduler_type=reduce_lr_on_plateau", "reduce_lr_on_plateau"),
    ("lr_scheduler_kwargs={num_cycles: 2}", "lr_scheduler_kwargs"),
    ("lr_scheduler_kwargs=half", "lr_scheduler_kwargs"),
    ("warmup_steps=-1", "warmup_steps"),
    # the best checkpoint
    ("metric_for_best_model=loss", "metric_for_best_model"),
    ("save_strategy=best", "save_strategy"),
    (f"metric_for_best_model=accuracy eval_strategy=epoch {EVAL}", "rewards/accuracies"),
    (f"load_best_model_at_end=true eval_strategy=epoch save_strategy=steps {EVAL}", "load_best_model_at_end"),
    (f"load_best_model_at_end=true eval_strategy=steps eval_steps=4 save_steps=6 {EVAL}", "load_best_model_at_end"),
    (f"save_strategy=best eval_strategy=epoch {EVAL}", "metric_for_best_model"),
    # activation checkpointing
    ("gradient_checkpointing=true gradient_checkpointing_kwargs={'use_reentrant':true}", "use_reentrant"),
    ("gradient_checkpointing_kwargs={'use_reentrant':false}", "checkpointing"),
    # numbers
    ("max_steps=0", "max_steps"),
    ("max_steps=-2", "max_steps"),
    ("num_train_epochs=0", "num_train_epochs"),
    ("num_train_epochs=.inf", "num_train_epochs"),
    ("per_device_train_batch_size=0", "per_device_train_batch_size"),
    ("gradient_accumulation_steps=0", "gradient_accumulation_steps"),
    ("learning_rate=-1", "learning_rate"),
    ("weight_decay=-0.1", "weight_decay"),
    ("adam_beta2=1", "adam_beta2"),
    ("adam_epsilon=0", "adam_epsilon"),
    ("max_grad_norm=-1", "max_grad_norm"),
    ("logging_steps=0", "logging_steps"),
    ("save_steps=0", "save_steps"),
    ("save_steps=1.5", "save_steps"),
    ("save_total_limit=0", "save_total_limit"),
    ("image_memory_mb=-1", "image_memory_mb"),
    # what is not there, or would do nothing
    ("fp16=true", "fp16"),
    ("tf32=true", "tf32"),
    ("bf16_full_eval=true", "bf16_full_eval"),
    ("log_level=loud", "log_level"),
    ("dataloader_persistent_workers=true", "dataloader_persistent_workers"),
    ("dataloader_num_workers=1 dataloader_multiprocessing_context=spawn", "dataloader_multiprocessing_context"),
    ("dataloader_num_workers=-1", "dataloader_num_workers"),
    ("push_to_hub=true", "push_to_hub"),
    ("hub_model_id=me/mine", "hub_model_id"),
    ("auto_find_batch_size=true", "max_tokens_per_row"),
    ("label_smoothing_factor=0.1", "label_smoothing"),
    ("include_num_input_tokens_seen=all", "include_num_input_tokens_seen"),
    ("train_sampling_strategy=group_by_length", "train_sampling_strategy"),
    ("do_train=false", "do_train"),
    ("do_eval=true", "eval_strategy"),
    ("do_predict=true", "do_predict"),
    ("eval_on_start=true", "eval_data"),
    (EVAL, "eval_strategy"),
    ("eval_steps=5", "eval_strategy"),
    ("lora.r=0", "lora.r"),
    ("lora.target_modules='*'", "lora.target_modules"),
    ("lora.dropout=0.1", "lora.dropout"),
    ("lora.r=4 train_projector=true", "train_projector"),
    ("lora.r=4 train_vision=true", "train_vision"),
]


@pytest.mark.parametrize("kind", [TrainRun, SftRun])
@pytest.mark.parametrize(("overrides", "words"), REFUSED, ids=[overrides for overrides, _ in REFUSED])
@pytest.mark.usefixtures("no_gpu")
def test_a_setting_that_cannot_be_honoured_is_refused_by_name(overrides, words, kind):
    parts = [overrides] if "{" in overrides and "'" not in overrides else overrides.split()
    if kind is SftRun and "rewards/" in words:
        words = "loss/sft"
    with pytest.raises(ConfigError, match=words.replace(".", r"\.")):
        settings(*parts, kind=kind)


AWKWARD = ("true", "null", "0", "-1", "0.5", "1e30", ".inf", "foo", "[]", "{foo: 1}", "'{bad'")


@pytest.mark.parametrize("name", [field.name for field in fields(TrainingArguments)])
def test_no_value_of_any_field_ends_as_anything_but_settings_or_a_refusal(name):
    for value in AWKWARD:
        with contextlib.suppress(ConfigError):
            settings(f"{name}={value}")


def test_python_is_told_the_same(tmp_path):
    with pytest.raises(ConfigError, match="optim"):
        PreferenceConfig(output_dir=str(tmp_path), use_cpu=True, optim="adamw_bnb_8bit")
    with pytest.raises(ConfigError, match="lr_scheduler_kwargs"):
        PreferenceConfig(output_dir=str(tmp_path), use_cpu=True, lr_scheduler_kwargs={"min_lr": 1.0})


def test_the_rehearsal_leaves_the_random_numbers_alone(tmp_path):
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    PreferenceConfig(output_dir=str(tmp_path), use_cpu=True)
    assert torch.rand(3).equal(expected)


@pytest.mark.parametrize(
    ("metric", "more"),
    [("loss", False), ("loss/preference", False), ("rewards/accuracies", True), ("eval_loss", False)],
)
def test_a_smaller_loss_is_better_whatever_its_name(metric, more):
    found = settings(f"metric_for_best_model={metric}", "eval_strategy=epoch", EVAL)
    assert found.greater_is_better is more


@pytest.mark.usefixtures("no_gpu")
def test_the_setting_that_was_given_is_named_and_not_another_in_the_library_s_message():
    with pytest.raises(ConfigError, match=r"^TrainRun: bf16|^bf16: .*use_cpu"):
        load_settings(TrainRun, None, ["model.name=absent", "data=absent.jsonl", "bf16=true"])


def test_output_dir_is_another_name_of_out():
    assert str(settings("output_dir=runs/mine").out) == "runs/mine"
    assert settings("output_dir=runs/mine", "out=runs/other").output_dir == "runs/other"


def test_checkpointing_is_never_reentrant_and_nothing_warns():
    found = settings("gradient_checkpointing=true", "gradient_checkpointing_kwargs={'preserve_rng_state':false}")
    assert found.gradient_checkpointing
    assert found.gradient_checkpointing_kwargs["use_reentrant"] is False
