"""What a loaded model answers to yes/no questions: all questions about one image share its tokens, which run once.

    [ image | what all prompts begin with | question 1, assistant: | question 2, assistant: | … ]

This is the tree of training, read at the end of every branch instead of along it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from transformers.utils import logging

from errata.feedback.answer_tokens import AnswerTokens, find_answer_tokens
from errata.models import NOT_TEXT, EncodedPrompt, EncodedResponse, GenericAdapter, LoadedModel
from errata.trees import (
    NoTreeError,
    TreeRow,
    TreeSample,
    build_rows,
    change_attention,
    check_adapter,
    choice_logps,
    choose_attention,
    enable_tree_attention,
    evaluating,
    self_check,
    separate_rows,
)

logger = logging.get_logger(__name__)

ROW_TOKENS = 8192
"""Tokens of a row that several images share; the questions about one image may be more."""


class YesNo:
    """Reads the probabilities of yes, Yes, no and No as the first words of a model's answer.

    Args:
        loaded: The model; its attention is set, which generation does not notice.
        share: Let questions about one image share its tokens; where False every question has a pass of its own.

    Attributes:
        tokens: Which tokens are read.
        message: Why questions have passes of their own, if they do.

    Raises:
        ModelError: The tokenizer cannot write yes or no, or an unknown model that is not served.
    """

    def __init__(self, loaded: LoadedModel, *, share: bool = True) -> None:
        self._loaded, self._is_checked = loaded, False
        tokenizer = getattr(loaded.processor, "tokenizer", loaded.processor)
        self.tokens: AnswerTokens = find_answer_tokens(tokenizer, loaded.name)
        check_adapter(loaded.adapter, loaded.model)
        self.message = self._prepare() if share else "asked for"

    def _prepare(self) -> str:
        adapter, model = self._loaded.adapter, self._loaded.model
        if isinstance(adapter, GenericAdapter):
            return "a model without an adapter of its own"
        attention = choose_attention("auto", self._loaded.device, next(model.parameters()).dtype)
        try:
            change_attention(adapter, model, partial(enable_tree_attention, model, adapter, attention))
        except NoTreeError as error:
            return f"{error.where}: {error.found}"
        return ""

    @property
    def shares(self) -> bool:
        """Whether questions about one image share its tokens."""
        return not self.message

    def read(self, asked: Sequence[Sequence[EncodedPrompt]]) -> list[list[dict[str, float]]]:
        """The probability of each form; 0 of one that there is no token for.

        Args:
            asked: Per set of images the prompts of its questions, each up to where the assistant begins.

        Returns:
            Per set of images and question the probabilities by form.
        """
        branches = _Branches(self.tokens)
        trees = [tree for number, prompts in enumerate(asked) for tree in branches.lay(prompts, number)]
        with torch.no_grad(), evaluating(self._loaded.model):
            if trees and self.shares and not self._is_checked:
                self._check(trees[0])
            for row in build_rows(trees, ROW_TOKENS):
                branches.take(row, self._run(row.to(self._loaded.device)).cpu())
        return branches.build_answers([len(prompts) for prompts in asked])

    def _run(self, row: TreeRow) -> Tensor:
        """Log-probabilities `[T, n]` of the tokens that are read, at every scored place."""
        adapter, model, choices = self._loaded.adapter, self._loaded.model, self.tokens.choices
        if self.shares:
            return choice_logps(adapter, model, row, choices)
        return torch.cat(
            [choice_logps(adapter, model, single, choices) for single in separate_rows(adapter, model, row)]
        )

    def _check(self, tree: TreeSample) -> None:
        """Against passes of their own, once; those are made from then on where the numbers differ."""
        result = self_check(self._loaded.adapter, self._loaded.model, tree)
        self._is_checked = True
        if not result.passed:
            self.message = f"a largest difference of {result.max_difference:.1e} of a token's log-probability"
            logger.warning(f"{self._loaded.name}: every question has a pass of its own ({self.message})")


def _count_common(sequences: Sequence[Sequence[int]]) -> int:
    """How many tokens all sequences begin with."""
    pairs = enumerate(zip(*sequences, strict=False))
    return next((place for place, tokens in pairs if len(set(tokens)) > 1), min(map(len, sequences)))


def can_share(prompts: Sequence[EncodedPrompt], shared: int) -> bool:
    """Whether prompts that begin with the same tokens may run these once.

    Not where an image stands behind them, or where words of the question are seen from within them (PaliGemma).
    """
    ends = [block.end for prompt in prompts for block in prompt.blocks]
    return shared > 0 and max([*ends, *(prompt.images_end for prompt in prompts)], default=0) <= shared


class _Branches:
    """The questions as branches of trees, and what was read at their ends.

    A branch ends with a token that the model would have to write, so that the place before it is read. A form that is
    split into tokens has a branch of its own, along which its further tokens are read.
    """

    def __init__(self, tokens: AnswerTokens) -> None:
        self._tokens, self._columns = tokens, {token: n for n, token in enumerate(tokens.choices)}
        self._read: dict[tuple[int, int], Tensor] = {}

    def lay(self, prompts: Sequence[EncodedPrompt], number: int) -> list[TreeSample]:
        """The tree of the questions, or one for each where they cannot share. A tree's id says whose it is."""
        ids = [prompt.input_ids for prompt in prompts]
        shared = _count_common(ids)
        if can_share(prompts, shared):
            responses = tuple(branch for own in ids for branch in self._branch(own[shared:]))
            return [_build_tree(_cut(prompts[0], shared), responses, f"{number} 0")]
        return [
            _build_tree(prompt, tuple(self._branch([])), f"{number} {question}")
            for question, prompt in enumerate(prompts)
        ]

    def _branch(self, words: list[int]) -> list[EncodedResponse]:
        """The end of a question, once with any token behind it, and once with each split form."""
        ends = [(self._tokens.choices[0],), *self._tokens.split]
        return [_build_response([*words, *end], len(words) + (n > 0)) for n, end in enumerate(ends)]

    def take(self, row: TreeRow, logps: Tensor) -> None:
        """Keep what was read along each question's branches: its first place, then those of every split form."""
        places = torch.split(logps, list(row.target_lengths))
        each, start = 1 + len(self._tokens.split), 0
        for tree in row.samples:
            number, first = map(int, tree.id.split())
            for question in range(tree.num_responses // each):
                self._read[number, first + question] = torch.cat(places[start : start + each])
                start += each

    def build_answers(self, counts: Sequence[int]) -> list[list[dict[str, float]]]:
        """Per set of images and question the probability of each form."""
        return [[self._sum_up(self._read[number, n]) for n in range(count)] for number, count in enumerate(counts)]

    def _sum_up(self, read: Tensor) -> dict[str, float]:
        found, place = {}, 1
        for form, sequences in self._tokens.sequences.items():
            found[form] = 0.0
            for first, *rest in sequences:
                logp = float(read[0, self._columns[first]])
                for token in rest:
                    logp += float(read[place, self._columns[token]])
                    place += 1
                found[form] += math.exp(logp)
        return found


def _build_response(ids: list[int], written_from: int) -> EncodedResponse:
    written = [place >= written_from for place in range(len(ids))]
    return EncodedResponse(ids, written, [0] * len(ids), [NOT_TEXT] * len(ids))


def _build_tree(prompt: EncodedPrompt, responses: tuple[EncodedResponse, ...], name: str) -> TreeSample:
    return TreeSample(name, prompt, responses, tuple(range(len(responses))))


def _cut(prompt: EncodedPrompt, end: int) -> EncodedPrompt:
    """The first tokens of a prompt."""
    positions = None if prompt.position_ids is None else prompt.position_ids[:, :end]
    return replace(prompt, input_ids=prompt.input_ids[:end], position_ids=positions)
