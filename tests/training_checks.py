"""Comparing two training runs, and adapters that runs begin with."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from errata.models import ModelSettings, load_model, quiet_transformers
from errata.training import LoraSettings


def read_curve(trainer) -> list[float]:
    """The loss of every logged step."""
    return [line["loss"] for line in trainer.state.log_history if "loss" in line]


def largest_difference(one: nn.Module, other: nn.Module) -> float:
    """Of any weight."""
    theirs = other.state_dict()
    return max(float((value - theirs[name]).abs().max()) for name, value in one.state_dict().items())


def read_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def move_adapter(model: nn.Module) -> None:
    """Give new adapters weights that change what the model says."""
    torch.manual_seed(7)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0.0, 0.05)


def save_tuned(base: Path, folder: Path, config: LoraConfig | None = None) -> Path:
    """An adapter of a model, as if it had been trained; the same one every time."""
    torch.manual_seed(6)
    with quiet_transformers():
        model = get_peft_model(load_model(ModelSettings(str(base))).model, config or LoraSettings(r=4).build())
        move_adapter(model)
        model.save_pretrained(folder)
    return folder
