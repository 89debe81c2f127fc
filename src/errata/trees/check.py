"""At first use: does this model, with these weights and this dtype, give the same numbers as separate passes?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from errata.models import Adapter
from errata.trees.logps import token_logps
from errata.trees.rows import TreeSample, build_row
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


def self_check(adapter: Adapter, model: nn.Module, sample: TreeSample) -> CheckResult:
    """Compare tree and separate log-probabilities of one sample, without dropout or gradients.

    The sample is laid into the row twice, so that a neighbour that leaks is found too.
    """
    device = next(model.parameters()).device
    row = build_row([sample, sample]).to(device)
    with torch.no_grad(), evaluating(model):
        tree = token_logps(adapter, model, row)
        separate = separate_logps(adapter, model, build_row([sample]).to(device))
    difference = float((tree.view(2, -1) - separate).abs().max())
    tolerance = TOLERANCES.get(next(model.parameters()).dtype, 1e-4)
    passed = difference <= tolerance  # False for NaN as well
    words = "shared prefix is exact" if passed else "shared prefix differs; training with separate passes"
    message = f"{words} (largest difference {difference:.1e} of a token's log-probability, allowed {tolerance:.0e})"
    return CheckResult(passed, difference, message, token_logps if passed else separate_logps)


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
