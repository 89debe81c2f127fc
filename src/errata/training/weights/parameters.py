"""Which weights learn: the whole language model, or low-rank adapters of its projections (LoRA, arXiv 2106.09685)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import PreTrainedModel

from errata.errors import ConfigError, ModelError
from errata.models import ModelSettings, quiet_transformers

LORA_TARGETS = r".*(language_model|text_model).*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
"""Attention and feed-forward projections of the language model alone. A list of these names, or "all-linear", would
also match the vision tower's and the projector's layers."""

VISION_PARTS = ("vision_tower", "vision_model", "visual")
PROJECTOR_PARTS = ("multi_modal_projector", "connector", "image_newline", "merger", "deepstack_merger_list")
"""What leads from the tower to the language model; Qwen has it inside its tower."""
CHANGING_STARTS = ("pissa", "olora", "loftq", "corda", "lora_ga")
"""Values of PEFT's `init_lora_weights` that subtract the new adapter from the base's weights."""


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank adapters; the defaults are AMP's (arXiv 2405.11165, its script)."""

    r: int = 64
    alpha: int = 16
    dropout: float = 0.0
    target_modules: str | list[str] = LORA_TARGETS

    def __post_init__(self) -> None:
        for name in ("r", "alpha"):
            if getattr(self, name) < 1:
                found = str(getattr(self, name))
                raise ConfigError(
                    f"lora.{name}", expected="a number of at least 1", found=found, fix="change the value"
                )
        if self.dropout:
            _refuse_dropout("lora.dropout", self.dropout)
        if not self.target_modules:
            raise ConfigError("lora.target_modules", expected="names or a pattern", found="none", fix="leave it out")
        try:
            re.compile(self.target_modules if isinstance(self.target_modules, str) else "")
        except re.error as error:
            found = f"{self.target_modules!r}: {error}"
            raise ConfigError("lora.target_modules", expected="a pattern", found=found, fix="correct it") from None

    def build(self) -> Any:
        """The `peft.LoraConfig`."""
        return LoraConfig(
            r=self.r, lora_alpha=self.alpha, lora_dropout=self.dropout, target_modules=self.target_modules, bias="none"
        )


def choose_dtype(settings: ModelSettings, *, adapters: bool) -> ModelSettings:
    """The settings with float32 where nothing is said and the model's own weights learn, which need it: steps of a
    preference run are smaller than bfloat16 can add to them. New `adapters` are float32 beside weights of any format.
    """
    return replace(settings, dtype="float32") if settings.dtype == "auto" and not adapters else settings


def add_adapter(model: nn.Module, peft_config: Any) -> nn.Module:
    """Wrap the model with new adapters; everything else is frozen.

    Raises:
        ConfigError: A rank of 0, dropout (the responses of one tree would see different masks), a pattern that matches
            no module, prompts or prefixes, or a beginning that changes the base's weights.
    """
    _require_untouched_base(peft_config)
    if getattr(peft_config, "lora_dropout", 0.0):
        _refuse_dropout("lora_dropout", peft_config.lora_dropout)
    try:
        with quiet_transformers():
            wrapped: nn.Module = get_peft_model(model, peft_config)
    except ValueError as error:
        fix = "write names as a list, [q_proj, v_proj], or a pattern of whole names"
        raise ConfigError("lora", expected="settings that fit the model", found=str(error), fix=fix) from None
    return wrapped


def _refuse_dropout(where: str, dropout: float) -> None:
    expected, fix = "0: responses that share a prefix must see one model", "set it to 0"
    raise ConfigError(where, expected=expected, found=str(dropout), fix=fix)


def _require_untouched_base(peft_config: Any) -> None:
    """Raise ConfigError for adapters that stand outside the layers, or that take their beginning out of the base's
    weights: the base that is saved with them is the one that was given."""
    start = getattr(peft_config, "init_lora_weights", True)
    changing = isinstance(start, str) and start.startswith(CHANGING_STARTS)
    if changing or peft_config.is_prompt_learning:
        raise ConfigError(
            "peft_config",
            expected="adapters inside the layers of a base that stays as it is",
            found=f"init_lora_weights={start!r}" if changing else f"type {peft_config.peft_type.value}",
            fix="leave init_lora_weights out" if changing else "use LoRA",
        )


def require_adapters_alone(*, vision: bool, projector: bool) -> None:
    """Raise ConfigError where parts beside the adapters are to learn: an adapter's folder could not hold them."""
    if vision or projector:
        raise ConfigError(
            "train_vision" if vision else "train_projector",
            expected="adapters alone with LoRA",
            found="true",
            fix="leave it out, or name the part in modules_to_save of your own peft_config",
        )


def choose_trainable(model: nn.Module, *, vision: bool, projector: bool) -> None:
    """Freeze the vision tower and the projector unless they are to be trained; adapters decide for themselves.

    Of a model whose parts have other names, what is not its language model counts as the vision tower.

    Raises:
        ModelError: Nothing is left to train.
    """
    language = _find_language(model)
    for name, parameter in model.named_parameters():
        parts = set(name.split("."))
        beside = parts & set(VISION_PARTS) if language is None else id(parameter) not in language
        learns = projector if parts & set(PROJECTOR_PARTS) else vision or not beside
        if not learns:
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ModelError(
            type(model).__name__,
            expected="weights that learn",
            found="every parameter frozen",
            fix="train the projector or the vision tower, add LoRA, or unfreeze the model (PEFT: is_trainable)",
        )


def vision_learns(model: nn.Module) -> bool:
    """Whether what image features depend on may change: a weight outside the language model that learns, if not all."""
    language = _find_language(model)
    learning = (parameter for parameter in model.parameters() if parameter.requires_grad)
    return language is None or any(id(parameter) not in language for parameter in learning)


def _find_language(model: nn.Module) -> set[int] | None:
    """The identities of the language model's parameters and its output layer's; None for a model without parts."""
    whole = next((module for module in model.modules() if isinstance(module, PreTrainedModel)), None)
    decoder = whole if whole is None else whole.get_decoder()
    if whole is None or decoder is whole:
        return None
    parts = filter(None, (decoder, whole.get_output_embeddings()))
    return {id(parameter) for part in parts for parameter in part.parameters()}


def switch_off_dropout(model: nn.Module) -> None:
    """Set every dropout to 0: responses that share a prefix must see one model, and the reference sees none."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        for name in ("attention_dropout", "dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
