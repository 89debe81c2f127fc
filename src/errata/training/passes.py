"""Which passes a run computes log-probabilities with: rows that share prefixes, or one pass per response."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers.utils import logging

from errata.models import Adapter, GenericAdapter
from errata.training.batches import EncodedRecords
from errata.training.settings import PreferenceConfig
from errata.trees import (
    NoTreeError,
    TreeRow,
    TreeSample,
    change_attention,
    check_adapter,
    choose_attention,
    enable_tree_attention,
    self_check,
    separate_logps,
    token_logps,
)

logger = logging.get_logger(__name__)


class Passes:
    """Sets the attention of models and chooses their passes.

    A model whose rows cannot be trees gets separate passes; so does one without an adapter of its own until a check has
    passed.

    Args:
        adapter: The models' family.
        models: The trained model first, then the reference if it is another; without dropout.
        args: `attention`, `self_check`, and the number format of the passes.

    `message` is what the comparison with separate passes found, or why none can be made; None before.

    Raises:
        ConfigError: `attention` names a kernel that is not there.
        ModelError: An unknown model that even separate passes do not serve.
    """

    def __init__(self, adapter: Adapter, models: list[nn.Module], args: PreferenceConfig) -> None:
        self._adapter, self._args = adapter, args
        self.message: str | None = None
        self.attention = choose_attention(args.attention, args.device, _find_dtype(args, models[0]))
        check_adapter(adapter, models[0])
        self._compute = separate_logps if isinstance(adapter, GenericAdapter) else token_logps
        self._served = True
        try:
            for model in models:
                change_attention(adapter, model, partial(enable_tree_attention, model, adapter, self.attention))
        except NoTreeError as error:
            self._refuse(f"no shared prefix; training with separate passes ({error.where}: {error.found})")

    def _refuse(self, message: str) -> None:
        self._compute, self._served, self.message = separate_logps, False, message
        logger.warning(message)

    @property
    def shares_prefix(self) -> bool:
        """Whether rows are trees; False where every response has a pass of its own."""
        return self._compute is token_logps

    def compute(self, model: nn.Module, row: TreeRow) -> Tensor:
        """Log-probabilities `[T]` of a row's scored tokens."""
        return self._compute(self._adapter, model, row, chunk_size=self._args.logps_chunk_tokens)

    def check(self, model: nn.Module, data: EncodedRecords, autocast: AbstractContextManager[Any]) -> None:
        """Compare records with separate passes, and use those from now on where the tree is not exact.

        `autocast` is what the run's passes are in.
        """
        if not self._served or not (self._args.self_check or isinstance(self._adapter, GenericAdapter)):
            return
        hidden = self._find_hidden(model)
        if hidden is not None:
            self._refuse(f"no shared prefix; training with separate passes ({hidden})")
            return
        # The split is compared in the weights' own format, in which rounding hides least.
        with autocast if self.attention == "varlen" else nullcontext():
            result = self_check(self._adapter, model, *self._choose_samples(data))
        self._compute, self.message = result.logps, result.message
        if not result.passed:
            self._refuse(result.message)

    def _find_hidden(self, model: nn.Module) -> str | None:
        """What the comparison of an unknown model could not show; None if nothing."""
        dtype = next(model.parameters()).dtype
        if not isinstance(self._adapter, GenericAdapter) or dtype == torch.float32 or not self._adapter.token_types:
            return None
        return (
            f"the processor marks tokens by {', '.join(self._adapter.token_types)}, and rounding in "
            f"{str(dtype).removeprefix('torch.')} would hide a mask that depends on them"
        )

    def _choose_samples(self, data: EncodedRecords) -> list[TreeSample]:
        """The first record; of an unknown model also the longest and the one with most images, which show windows and
        masks that short texts do not."""
        numbers = [0]
        if isinstance(self._adapter, GenericAdapter):
            numbers.append(max(range(len(data)), key=lambda number: data.lengths[number]))
            numbers.append(max(range(len(data)), key=lambda number: len(data.records[number].images)))
        return [data.build_sample(number) for number in dict.fromkeys(numbers)]


def _find_dtype(args: PreferenceConfig, model: nn.Module) -> torch.dtype:
    """The number format that passes compute in."""
    if args.bf16 or args.fp16:
        return torch.bfloat16 if args.bf16 else torch.float16
    return next(model.parameters()).dtype
