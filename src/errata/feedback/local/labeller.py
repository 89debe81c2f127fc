"""A model loaded here as a labeller: p(yes) and p(no) from its next-token probabilities.

What a loaded model answers to yes/no questions: all questions about one image share its tokens, which run once.

    [ image | what all prompts begin with | question 1, assistant: | question 2, assistant: | … ]

This is the tree of training, read at the end of every branch instead of along it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from errata.errors import DataError, ModelError
from errata.feedback.claims import AnswerTokens, OnReply, find_answer_tokens, write_label
from errata.judges import JudgeFailure, JudgeReply, JudgeRequest
from errata.judges.local import check_eyes, name_weights
from errata.models import (
    NOT_TEXT,
    EncodedImage,
    EncodedPrompt,
    EncodedResponse,
    LoadedModel,
    ModelSettings,
    PixelCache,
    load_model,
)
from errata.records import Turn
from errata.trees import Scorer, TreeSample


class YesNo:
    """Reads the probabilities of yes, Yes, no and No as the first words of a model's answer.

    Args:
        loaded: The model; its attention is set, which generation does not notice.
        share: Let questions about one image share its tokens; where False every question has a pass of its own.

    Attributes:
        tokens: Which tokens are read.

    Raises:
        ModelError: The tokenizer cannot write yes or no, or an unknown model that is not served.
    """

    def __init__(self, loaded: LoadedModel, *, share: bool = True) -> None:
        tokenizer = getattr(loaded.processor, "tokenizer", loaded.processor)
        self.tokens: AnswerTokens = find_answer_tokens(tokenizer, loaded.name)
        self._scorer = Scorer(loaded, share=share)

    @property
    def message(self) -> str:
        """Why questions have passes of their own, as far as is known; empty while they share."""
        return self._scorer.message

    def read(self, asked: Sequence[Sequence[EncodedPrompt]]) -> list[list[dict[str, float]]]:
        """The probability of each form; 0 of one that there is no token for.

        Args:
            asked: Per set of images the prompts of its questions, each up to where the assistant begins.

        Returns:
            Per set of images and question the probabilities by form.
        """
        branches = _Branches(self.tokens)
        groups = [branches.lay(prompts) for prompts in asked]
        read = self._scorer.score_choices([tree for trees in groups for tree in trees], self.tokens.choices)
        rest = iter(read)
        return [[answer for _ in trees for answer in branches.sum_up(next(rest))] for trees in groups]


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
    """Questions as branches of trees, and what is read at their ends.

    A branch ends with a token that the model would have to write, so that the place before it is read. A form that is
    split into tokens has a branch of its own, along which its further tokens are read.
    """

    def __init__(self, tokens: AnswerTokens) -> None:
        self._tokens, self._columns = tokens, {token: n for n, token in enumerate(tokens.choices)}
        self._ends = [(tokens.choices[0],), *tokens.split]

    def lay(self, prompts: Sequence[EncodedPrompt]) -> list[TreeSample]:
        """The tree of the questions, or one for each where they cannot share."""
        ids = [prompt.input_ids for prompt in prompts]
        shared = _count_common(ids)
        if can_share(prompts, shared):
            return [_build_tree(_cut(prompts[0], shared), [end for own in ids for end in self._branch(own[shared:])])]
        return [_build_tree(prompt, self._branch([])) for prompt in prompts]

    def _branch(self, words: list[int]) -> list[EncodedResponse]:
        """The end of a question, once with any token behind it, and once with each split form."""
        return [_build_response([*words, *end], len(words) + (n > 0)) for n, end in enumerate(self._ends)]

    def sum_up(self, read: Sequence[Tensor]) -> list[dict[str, float]]:
        """Per question of a tree the probability of each form."""
        each = len(self._ends)
        return [self._sum_forms(torch.cat(list(read[n : n + each]))) for n in range(0, len(read), each)]

    def _sum_forms(self, read: Tensor) -> dict[str, float]:
        """From `[places, tokens]`: the first place of an answer, then the further places of every split form."""
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


def _build_tree(prompt: EncodedPrompt, branches: Sequence[EncodedResponse]) -> TreeSample:
    return TreeSample("questions", prompt, tuple(branches), tuple(range(len(branches))))


def _cut(prompt: EncodedPrompt, end: int) -> EncodedPrompt:
    """The first tokens of a prompt."""
    positions = None if prompt.position_ids is None else prompt.position_ids[:, :end]
    return replace(prompt, input_ids=prompt.input_ids[:end], position_ids=positions)


IMAGES_AT_ONCE = 16
"""Images whose questions are answered before their replies are kept: what a kill costs at most."""


class LocalLabeller:
    """`local:MODEL`, loaded when the cache does not know an answer. Verdicts are kept under what is in its files.

    Args:
        name: As above.
        loaded: The model, where it is loaded already.
        share: See `YesNo`.
        max_pixels: As in `ModelSettings`, of a model that is loaded here.
    """

    free = True

    def __init__(
        self, name: str, loaded: LoadedModel | None = None, *, share: bool = True, max_pixels: int | None = None
    ) -> None:
        self._max_pixels = max_pixels
        self.name, self._source, self._given, self._share = name, name.removeprefix("local:"), loaded, share

    @cached_property
    def model(self) -> str:
        """The name with a digest of the files, as a local judge's."""
        return name_weights(self.name, self._source, lambda: self._loaded)

    @cached_property
    def _loaded(self) -> LoadedModel:
        return self._given or load_model(ModelSettings(self._source, max_pixels=self._max_pixels))

    @cached_property
    def reader(self) -> YesNo:
        """What reads the probabilities. Raises ModelError as it does."""
        return YesNo(self._loaded, share=self._share)

    @cached_property
    def _pixels(self) -> PixelCache:
        return PixelCache(self._loaded.adapter)

    @property
    def findings(self) -> dict[str, Any]:
        """What a report says about it; nothing where the cache knew every answer and no model was loaded."""
        if "reader" not in self.__dict__:
            return {}
        return {"answer_tokens": self.reader.tokens.notes, "shares_prefix": self.reader.message or "yes"}

    def check(self, *, images: bool = True) -> None:
        """Find the model without loading it. Raises ModelError where it is not there, or sees no images."""
        if self._given is None:
            _ = self.model
            check_eyes(self._source, images=images)

    def ask(self, requests: Sequence[JudgeRequest], on_reply: OnReply) -> None:
        """Answer the questions image by image."""
        by_image: dict[tuple[Path, ...], list[JudgeRequest]] = {}
        for request in requests:
            by_image.setdefault(request.call.images, []).append(request)
        groups = list(by_image.values())
        for start in range(0, len(groups), IMAGES_AT_ONCE):
            self._answer(groups[start : start + IMAGES_AT_ONCE], on_reply)

    def _answer(self, groups: Sequence[Sequence[JudgeRequest]], on_reply: OnReply) -> None:
        encoded = [self._encode_group(group, on_reply) for group in groups]
        encoded = [group for group in encoded if group]
        answers = self.reader.read([[prompt for _, prompt in group] for group in encoded])
        for group, found in zip(encoded, answers, strict=True):
            for (request, _), probabilities in zip(group, found, strict=True):
                on_reply(JudgeReply(request.key, write_label(probabilities), self._source))

    def _encode_group(
        self, group: Sequence[JudgeRequest], on_reply: OnReply
    ) -> list[tuple[JudgeRequest, EncodedPrompt]]:
        """The questions that the model can take; one that it cannot, for a token or its image, costs no other."""
        encoded = []
        for request in group:
            try:
                paths = request.call.images
                images = [self._pixels.load(str(path), len(paths)) for path in paths]
                encoded.append((request, self._encode(request, images)))
            except (DataError, ModelError) as error:
                on_reply(JudgeFailure(request.key, str(error), "asking again would bring the same"))
        return encoded

    def _encode(self, request: JudgeRequest, images: Sequence[EncodedImage]) -> EncodedPrompt:
        question = str(request.call.values["question"])
        return self._loaded.adapter.encode_prompt((Turn("user", question),), images)
