"""Run a function as the forward pass of a wrapped model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


def find_inner(model: nn.Module) -> nn.Module:
    """The model inside a data-parallel wrapper, or the model itself; PEFT's wrapper stays."""
    inner = getattr(model, "module", None)
    return inner if isinstance(inner, nn.Module) else model


def run_as_forward(model: nn.Module, function: Callable[[], Tensor]) -> Tensor:
    """Call `function` through the wrapper around the model, whose hooks synchronise gradients and gather weights.

    DistributedDataParallel and FSDP act on the call of the module they wrap; a loss that calls the model's parts
    (hidden states, then the output head in chunks) would pass them by.
    """
    inner = find_inner(model)
    if inner is model:
        return function()
    original = inner.forward

    def forward(*_: Any, **__: Any) -> Tensor:
        inner.forward = original
        return function()

    inner.forward = forward
    try:
        result: Tensor = model()
    finally:
        inner.forward = original
    return result
