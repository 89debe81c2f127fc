"""Which models can run a row as a tree, by which attention, and the refusal of the others."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from errata.errors import ConfigError, ModelError
from errata.models import Adapter, GenericAdapter, quiet_transformers
from errata.trees.attention import TREE_ATTENTION
from errata.trees.last_layer import trim_last_layer
from errata.trees.varlen import HALVES, KERNEL, VARLEN_ATTENTION

IMPLEMENTATIONS = {"split": TREE_ATTENTION, "varlen": VARLEN_ATTENTION}
"""By the value of the `attention` setting, the name under which transformers knows it."""


class NoTreeError(ModelError):
    """A model whose rows cannot be trees; separate passes serve it."""


def choose_attention(setting: str, device: torch.device, dtype: torch.dtype) -> str:
    """What the `attention` setting means on a device for passes in a number format: "split" or "varlen".

    "auto" is the variable-length call on a GPU in half precision where PyTorch has it, otherwise the split.

    Raises:
        ConfigError: An unknown value, or "varlen" where there is no kernel for it.
    """
    if setting not in ("auto", *IMPLEMENTATIONS):
        raise ConfigError(
            "attention", expected=f"auto, {', '.join(IMPLEMENTATIONS)}", found=repr(setting), fix="choose one of them"
        )
    missing = _find_missing(device, dtype)
    if setting == "varlen" and missing is not None:
        raise ConfigError(
            "attention",
            expected="for varlen a GPU, float16 or bfloat16, and torch.nn.attention.varlen",
            found=missing,
            fix="set it to auto or split",
        )
    if setting == "auto":
        return "varlen" if missing is None else "split"
    return setting


def _find_missing(device: torch.device, dtype: torch.dtype) -> str | None:
    """What the variable-length call lacks."""
    if device.type != "cuda":
        return f"the device {str(device)!r}"
    if dtype not in HALVES:
        return f"passes in {str(dtype).removeprefix('torch.')}"
    if KERNEL is None:
        return f"PyTorch {torch.__version__} without it"
    return None


def enable_tree_attention(model: nn.Module, adapter: Adapter, attention: str = "split") -> None:
    """Set the language model's attention to the tree attention; the vision tower keeps its own.

    The last layer then computes scored positions alone, where `last_layer` knows its kind. The setting is not saved
    with the model. Rows without layout, generation included, run as with sdpa.

    Args:
        model: The model, also inside PEFT or data-parallel wrappers.
        adapter: Its family.
        attention: "split" or "varlen"; see `choose_attention`.

    Raises:
        NoTreeError: The language model has layers that are not attention, or its attention cannot be set; it needs
            separate passes.
    """
    config = adapter.text_config(model)
    reason = _find_recurrence(model, config)
    if reason is not None:
        raise _refuse(model, "a language model of causal attention layers", reason)
    if isinstance(adapter, GenericAdapter) and config._attn_implementation not in ("sdpa", *IMPLEMENTATIONS.values()):
        # What it computes beside the softmax (bounds, sinks) is unknown, and would be left out without a word.
        raise _refuse(model, "an unknown model with sdpa attention", repr(config._attn_implementation))
    # The outermost transformers model: wrappers (PEFT, data parallel) have no such method of their own class.
    whole = next(module for module in model.modules() if isinstance(module, PreTrainedModel))
    parts = [name for name in whole.config.sub_configs if getattr(whole.config, name) is config]
    with quiet_transformers():  # a model that keeps its attention only warns
        whole.set_attn_implementation(dict.fromkeys(parts, IMPLEMENTATIONS[attention]))
    if config._attn_implementation != IMPLEMENTATIONS[attention]:
        found = f"its own, {config._attn_implementation!r}"
        raise _refuse(model, "attention that goes through transformers' AttentionInterface", found)
    if not isinstance(adapter, GenericAdapter):
        trim_last_layer(model)


def check_layout_is_read(model: nn.Module, adapter: Adapter) -> None:
    """Raise ModelError if the model would accept a layout and ignore it, which gives wrong numbers without a word."""
    found = adapter.text_config(model)._attn_implementation
    if found not in IMPLEMENTATIONS.values():
        raise ModelError(
            type(model).__name__,
            expected=f"attention {TREE_ATTENTION!r} in the language model",
            found=f"{found!r}, which ignores the layout of a row",
            fix="call enable_tree_attention(model, adapter) after loading",
        )


def _find_recurrence(model: nn.Module, config: Any) -> str | None:
    """What keeps a state from token to token, which no mask can part into branches; None if nothing does."""
    stated = getattr(config, "layer_types", None) or getattr(config, "layers_block_type", None) or ()
    kinds = set(stated) - {"full_attention", "sliding_attention", "attention"}
    if kinds:
        return f"layers of type {', '.join(sorted(kinds))}"
    stateful = [type(m).__name__ for m in model.modules() if isinstance(m, PreTrainedModel) and m._is_stateful]
    return f"recurrent layers in {stateful[-1]}" if stateful else None


def _refuse(model: nn.Module, expected: str, found: str) -> NoTreeError:
    return NoTreeError(
        type(model).__name__, expected=expected, found=found, fix="train this model with separate passes"
    )
