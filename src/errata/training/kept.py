"""The weights that learn as they were when a run began, to put in their place for a pass of the reference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


class KeptWeights:
    """A copy of the weights of a model that learn: an adapter's, which are few.

    The copies never take part in a gradient, and autocast does not mistake its casts of them for the policy's: they are
    parameters of their own that do not learn.
    """

    def __init__(self, model: nn.Module) -> None:
        copies: dict[int, nn.Parameter] = {}
        self._places: list[tuple[nn.Module, str, nn.Parameter]] = []
        for module in model.modules():
            for name, value in module._parameters.items():
                if value is not None and value.requires_grad:
                    kept = copies.setdefault(id(value), nn.Parameter(value.detach().clone(), requires_grad=False))
                    self._places.append((module, name, kept))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model computes with the kept weights inside, and with its own again afterwards."""
        own = [module._parameters[name] for module, name, _ in self._places]
        for module, name, kept in self._places:
            module._parameters[name] = kept
        try:
            yield
        finally:
            for (module, name, _), value in zip(self._places, own, strict=True):
                module._parameters[name] = value
