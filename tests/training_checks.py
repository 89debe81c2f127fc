"""Comparing two training runs."""

from __future__ import annotations

import torch
from torch import nn


def read_curve(trainer) -> list[float]:
    """The loss of every logged step."""
    return [line["loss"] for line in trainer.state.log_history if "loss" in line]


def largest_difference(one: nn.Module, other: nn.Module) -> float:
    """Of any weight."""
    theirs = other.state_dict()
    return max(float((value - theirs[name]).abs().max()) for name, value in one.state_dict().items())


def read_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}
