"""At first use: does this model, with these weights and this dtype, give the same numbers as separate passes?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from errata.models import Adapter
from errata.trees.logps import token_logps
from errata.trees.rows import build_row
from errata.trees.samples import TreeSample
from errata.trees.separate import separate_logps

TOLERANCES = {torch.float32: 1e-4, torch.float16: 0.05, torch.bfloat16: 0.25}
"""Largest difference of a token's log-probability that is rounding; half precision differs that much from itself."""

LogpsFunction = Callable[..., Tensor]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What the self-check found. `logps` is the function to train with: the tree's, or the separate passes'."""

    passed: bool
    max_difference: float
    message: str
    logps: LogpsFunction


def self_check(adapter: Adapter, model: nn.Module, *samples: TreeSample) -> CheckResult:
    """Compare tree and separate log-probabilities of samples, without dropout or gradients.

    They are laid into the row twice, so that a neighbour that leaks is found too. A tree pass that fails
    is one that differs.
    """
    parameter = next(model.parameters())
    row = build_row([*samples, *samples]).to(parameter.device)
    with torch.no_grad(), evaluating(model):
        separate = separate_logps(adapter, model, build_row(samples).to(parameter.device))
        try:
            difference = float((token_logps(adapter, model, row).view(2, -1) - separate).abs().max())
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # a forward pass that takes no layout raises whatever it meets first
            return _refuse(f"{type(error).__name__}: {str(error).strip()[:200]}", math.inf)
    tolerance = find_tolerance(parameter)
    figure = f"largest difference {difference:.1e} of a token's log-probability, allowed {tolerance:.0e}"
    if difference <= tolerance:  # False for NaN as well
        return CheckResult(True, difference, f"shared prefix is exact{_within(parameter)} ({figure})", token_logps)
    return _refuse(figure, difference)


def _refuse(figure: str, difference: float) -> CheckResult:
    message = f"shared prefix differs; training with separate passes ({figure})"
    return CheckResult(False, difference, message, separate_logps)


def find_tolerance(parameter: Tensor) -> float:
    """The largest difference of a token's log-probability that is rounding, by the format that passes compute in."""
    return TOLERANCES.get(_find_format(parameter), 1e-4)


def _find_format(parameter: Tensor) -> torch.dtype:
    kind = parameter.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else parameter.dtype


def _within(parameter: Tensor) -> str:
    """What "exact" means in a format that is coarser than the difference which a wrong mask may make."""
    kind = _find_format(parameter)
    return "" if kind == torch.float32 else f" as far as {str(kind).removeprefix('torch.')} can tell"


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Run without dropout; afterwards every module is in the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
