"""Activation checkpointing: which ways of computing activations again keep a step's several backward passes right."""

from __future__ import annotations

from typing import Any

from transformers import TrainingArguments

from errata.errors import ConfigError

_KNOWN = (
    "use_reentrant",
    "preserve_rng_state",
    "determinism_check",
    "debug",
    "early_stop",
    "every_n_layers",
    "offload",
)


def rename_checkpointing(settings: TrainingArguments) -> None:
    """Give `gradient_checkpointing` and its arguments the names of newer releases, which warn of them."""
    for old, new in (
        ("gradient_checkpointing", "activation_checkpointing"),
        ("gradient_checkpointing_kwargs", "activation_checkpointing_kwargs"),
    ):
        if hasattr(settings, new) and getattr(settings, new) is None:
            setattr(settings, new, getattr(settings, old))
        if hasattr(settings, new):
            setattr(settings, old, None)


def check_checkpointing(settings: TrainingArguments) -> None:
    """Raise ConfigError for arguments without checkpointing, unknown ones, and reentrant checkpointing.

    Where nothing is said about `use_reentrant`, it becomes False.
    """
    name = "activation_checkpointing" if hasattr(settings, "activation_checkpointing") else "gradient_checkpointing"
    options: Any = getattr(settings, f"{name}_kwargs")
    if not options:
        return
    told = f"{name}_kwargs"
    if not isinstance(options, dict) or not set(options) <= set(_KNOWN):
        expected = "some of " + ", ".join(_KNOWN)
        raise ConfigError(told, expected=expected, found=str(options), fix="correct the names")
    if not getattr(settings, name):
        fix = f"set {name}=true, or leave them out"
        raise ConfigError(told, expected=f"{name} beside them", found=f"{options} without it", fix=fix)
    if options.setdefault("use_reentrant", False) is not False:
        raise ConfigError(
            f"{told}.use_reentrant",
            expected="false",
            found=str(options["use_reentrant"]),
            fix="leave it out: reentrant checkpointing loses the gradients of adapters and of a step's earlier rows",
        )
    every = options.get("every_n_layers", 1)
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        fix = "change the value"
        raise ConfigError(f"{told}.every_n_layers", expected="a whole number of at least 1", found=repr(every), fix=fix)
