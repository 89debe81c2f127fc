"""Log-probabilities of responses under a model that is only read, as rewards need them: no gradients, no dropout."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import accumulate, pairwise

import torch
from torch import Tensor
from transformers.utils import logging

from errata.models import GenericAdapter, LoadedModel
from errata.trees.check import LogpsFunction, change_attention, check_adapter, evaluating, self_check
from errata.trees.logps import choice_logps, token_logps
from errata.trees.rows import TreeRow, TreeSample, build_rows
from errata.trees.separate import separate_choice_logps, separate_logps
from errata.trees.support import NoTreeError, choose_attention, enable_tree_attention

logger = logging.get_logger(__name__)

ROW_TOKENS = 4096
"""Tokens of a row that several prompts share; one prompt with all its responses may be longer."""


class Scorer:
    """Scores responses under one model: those to one prompt are the branches of one row, image and prompt run once.

    At first use its first sample is compared with separate passes, which are taken from then on where the tree is not
    exact, where a model's rows cannot be trees, and for a model without an adapter of its own.

    Args:
        loaded: The model; its attention is set, which rows without branches (generation) do not notice.
        without_adapter: Switch a PEFT adapter off: the score is that of the model below it.
        share: Run image and prompt once; where False every response has a pass of its own.

    Attributes:
        message: Why responses have passes of their own, as far as is known; empty while they share.

    Raises:
        ModelError: An unknown model that even separate passes do not serve.
    """

    def __init__(self, loaded: LoadedModel, *, without_adapter: bool = False, share: bool = True) -> None:
        self._loaded, self._without_adapter = loaded, without_adapter
        self.message, self._is_chosen = ("", False) if share else ("one pass each was asked for", True)
        check_adapter(loaded.adapter, loaded.model)

    def score(self, samples: Sequence[TreeSample]) -> list[list[Tensor]]:
        """Per sample and response the log-probabilities of its scored tokens, float32 on the CPU."""
        return self._read(samples, token_logps, separate_logps)

    def score_choices(self, samples: Sequence[TreeSample], choices: Sequence[int]) -> list[list[Tensor]]:
        """Per sample and response `[T, n]`: the log-probabilities of n tokens in the place of each scored token."""
        shared, separate = (partial(function, choices=choices) for function in (choice_logps, separate_choice_logps))
        return self._read(samples, shared, separate)

    def _read(
        self, samples: Sequence[TreeSample], shared: LogpsFunction, separate: LogpsFunction
    ) -> list[list[Tensor]]:
        model = self._loaded.model
        found: dict[int, list[Tensor]] = {}
        with torch.no_grad(), evaluating(model), self._switch_off():
            if not self._is_chosen and samples:
                self.message, self._is_chosen = self._find_obstacle(samples[0]), True
            for row in build_rows(samples, ROW_TOKENS):
                found |= self._read_row(row, separate if self.message else shared)
        return [found[id(sample)] for sample in samples]

    def _read_row(self, row: TreeRow, compute: LogpsFunction) -> dict[int, list[Tensor]]:
        """By the identity of a sample, its responses."""
        logps = compute(self._loaded.adapter, self._loaded.model, row.to(self._loaded.device))
        pieces = torch.split(logps.float().cpu(), list(row.target_lengths))
        ends = accumulate((sample.num_responses for sample in row.samples), initial=0)
        return {
            id(sample): list(pieces[start:end])
            for sample, (start, end) in zip(row.samples, pairwise(ends), strict=True)
        }

    def _switch_off(self) -> AbstractContextManager[None]:
        off: AbstractContextManager[None] = (
            self._loaded.model.disable_adapter() if self._without_adapter else nullcontext()
        )
        return off

    def _find_obstacle(self, sample: TreeSample) -> str:
        """Why responses cannot share a prefix, after the attention was set; empty where they can."""
        adapter, model = self._loaded.adapter, self._loaded.model
        if isinstance(adapter, GenericAdapter):
            return "a model without an adapter of its own"
        attention = choose_attention("auto", self._loaded.device, next(model.parameters()).dtype)
        try:
            change_attention(adapter, model, partial(enable_tree_attention, model, adapter, attention))
        except NoTreeError as error:
            return self._warn(f"{error.where}: {error.found}")
        result = self_check(adapter, model, sample)
        return "" if result.passed else self._warn(result.message)

    def _warn(self, message: str) -> str:
        logger.warning(f"{self._loaded.name}: no shared prefix; separate passes ({message})")
        return message
