"""Where and how a method computes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Place:
    """A device, the format of all weights, gradient checkpointing, and the attention of Errata's rows."""

    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    checkpointing: bool = False
    attention: str = "split"

    @property
    def fused(self) -> bool | None:
        """Whether the optimizer updates all weights in one kernel: without it a GPU holds copies of them meanwhile."""
        return True if self.device == "cuda" else None

    def prepare(self, model: nn.Module) -> nn.Module:
        """Switch gradient checkpointing on where it is wanted."""
        if self.checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})  # type: ignore[operator]
        return model


CPU = Place()
