"""Room for a model that thinks before it answers: the limit of an answer begins where its thoughts end."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import StoppingCriteria

from errata.models import LoadedModel
from errata.text import split_reasoning

STEP = 16
"""Tokens after which it is looked again whether a row still thinks, where an answer may be as long."""
_TAIL = 8
_MARK = re.compile(r"[<\[◁][^<\[◁]*\Z")

Read = Callable[[Sequence[int]], str]


class ThinkingRoom(StoppingCriteria):  # type: ignore[misc]
    """Ends each row when its answer is as long as it may be; what it thought before does not count.

    A row that does not think ends where it would without this.

    Args:
        start: Tokens of the prompts, padding included.
        marks: Per row what the prompt ends with that begins a thought; empty where nothing does.
        read: Tokens to text, with the marks of thoughts.
        max_tokens: Of an answer.
    """

    def __init__(self, start: int, marks: Sequence[str], read: Read, max_tokens: int) -> None:
        self._start, self._marks, self._read, self._limit = start, marks, read, max_tokens
        self._begins: dict[int, int] = {}

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:  # noqa: ARG002 -- transformers' protocol
        """Which rows are over."""
        written = input_ids.shape[1] - self._start
        over = [written >= self._limit and self._is_over(row, ids) for row, ids in enumerate(input_ids)]
        return torch.tensor(over, dtype=torch.bool, device=input_ids.device)

    def _is_over(self, row: int, ids: Tensor) -> bool:
        written = len(ids) - self._start
        if row not in self._begins and (written - self._limit) % min(STEP, self._limit) == 0:
            tokens: list[int] = ids[self._start :].tolist()
            if not self._thinks(row, tokens):
                self._begins[row] = bisect_left(range(written), 1, key=lambda n: not self._thinks(row, tokens[:n]))
        return row in self._begins and written - self._begins[row] >= self._limit

    def _thinks(self, row: int, tokens: Sequence[int]) -> bool:
        return not split_reasoning(self._marks[row] + self._read(tokens)).finished


def find_mark(loaded: LoadedModel, prompt: Sequence[int]) -> str:
    """What a prompt ends with that begins a thought, as templates of thinking models do; empty where nothing does."""
    mark = _MARK.search(read_all(loaded, prompt[-_TAIL:]).rstrip())
    return mark[0] if mark and not split_reasoning(mark[0]).finished else ""


def read_tokens(loaded: LoadedModel, tokens: Sequence[int]) -> str:
    """The text of tokens without special ones, but with those between which a model thinks."""
    text = loaded.adapter.decode(tokens)
    tokenizer = _find_tokenizer(loaded)
    added = getattr(tokenizer, "added_tokens_decoder", {})
    special = {number for number, token in added.items() if token.special}
    if special.isdisjoint(tokens):
        return text
    whole = read_all(loaded, tokens).strip()
    told = split_reasoning(whole)
    return whole if told.reasoning or not told.finished else text


def read_all(loaded: LoadedModel, tokens: Sequence[int]) -> str:
    """The text of tokens with all special ones."""
    return str(_find_tokenizer(loaded).decode(list(tokens), skip_special_tokens=False))


def _find_tokenizer(loaded: LoadedModel) -> Any:
    return getattr(loaded.processor, "tokenizer", loaded.processor)
