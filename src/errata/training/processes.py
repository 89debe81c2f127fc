"""What the processes of a run tell one another; with one process nothing is sent.

Run a function as the forward pass of a wrapped model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

Value = TypeVar("Value")


def find_rank() -> int:
    """Which process this is, from 0."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def count_processes() -> int:
    """How many there are."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def gather(value: Value) -> list[Value]:
    """The value of every process, by rank; all of them must call it."""
    if count_processes() == 1:
        return [value]
    values: list[Value | None] = [None] * count_processes()
    dist.all_gather_object(values, value)
    return values  # type: ignore[return-value]


def add_up(values: Tensor) -> Tensor:
    """The sum over processes; all of them must call it."""
    if count_processes() > 1:
        dist.all_reduce(values)
    return values


def any_process(flag: bool, device: torch.device) -> bool:
    """True everywhere where `flag` is True on one process: all of them must leave a loop together."""
    return flag if count_processes() == 1 else bool(add_up(torch.tensor(int(flag), device=device)).item())


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
