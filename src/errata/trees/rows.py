"""Lay samples into rows: the shared prefix once, then every response, then the next sample.

    [ image | prompt | r1 | r2 | … | rK ]   [ next sample … ]

A record whose objective compares images has a second tree, with the corrupted image and its best responses. Positions
restart after the prefix for every response, so each response stands where it would stand alone.

A record in tokens: what is laid into a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import torch
from torch import Tensor

from errata.models import EncodedImage, EncodedPrompt, EncodedResponse
from errata.trees.layout import TreeLayout, TreeShape


@dataclass(frozen=True, slots=True)
class TreeSample:
    """A record in tokens.

    Args:
        id: The record's id.
        prompt: The shared prefix.
        responses: Best first.
        levels: The level of each response.
        token_weights: Per response one weight per token of `input_ids`; None weighs every token 1.
        contrast: The responses of level 0 after the same prompt with corrupted images; a tree of its own, laid behind
            this one. None where the objective compares no images.
    """

    id: str
    prompt: EncodedPrompt
    responses: tuple[EncodedResponse, ...]
    levels: tuple[int, ...]
    token_weights: tuple[Sequence[float], ...] | None = None
    contrast: TreeSample | None = None

    @property
    def shape(self) -> TreeShape:
        """Lengths in tokens, without the contrast's."""
        responses = tuple(len(item.input_ids) for item in self.responses)
        return TreeShape(len(self.prompt.input_ids), responses, self.prompt.blocks)

    @property
    def trees(self) -> tuple[TreeSample, ...]:
        """What is laid into a row for this record: itself, then its contrast."""
        return (self,) if self.contrast is None else (self, self.contrast)

    @property
    def total(self) -> int:
        """All tokens of the record in a row."""
        return sum(tree.shape.total for tree in self.trees)

    @property
    def num_responses(self) -> int:
        """How many scores the record has, those of its contrast included."""
        return sum(len(tree.responses) for tree in self.trees)


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One forward pass over several samples. Shapes: S tokens, T scored tokens, R responses, N records, n images.

    Args:
        input_ids: `[1, S]`.
        position_ids: `[1, S]`, or `[channels, 1, S]`, restarting after the prefix for every response.
        images: The row's distinct images.
        image_index: For every image slot of the row, which of the distinct images stands there.
        layout: What the attention reads; None makes the row an ordinary causal sequence.
        predict_index: `[T]`, the position whose hidden state predicts each scored token.
        targets: `[T]`, the scored tokens: those the model has to write.
        token_weights: `[T]`, float32.
        response_index: `[T]`, the response of each scored token, counted through the row from 0.
        round_index: `[T]`, its assistant turn.
        target_lengths: Per response, how many tokens are scored.
        samples: What the row was built of, in order.
    """

    input_ids: Tensor
    position_ids: Tensor
    images: tuple[EncodedImage, ...]
    image_index: list[int]
    layout: TreeLayout | None
    predict_index: Tensor
    targets: Tensor
    token_weights: Tensor
    response_index: Tensor
    round_index: Tensor
    target_lengths: tuple[int, ...]
    samples: tuple[TreeSample, ...]

    @property
    def num_responses(self) -> int:
        """R."""
        return len(self.target_lengths)

    @property
    def prefix_length(self) -> int:
        """Tokens of the first sample's prompt."""
        return self.samples[0].shape.prefix

    @property
    def records(self) -> list[tuple[int, tuple[int, ...]]]:
        """Per record the number of its first response in the row, and its levels."""
        starts = accumulate((sample.num_responses for sample in self.samples), initial=0)
        return [(start, sample.levels) for start, sample in zip(starts, self.samples, strict=False)]

    @property
    def contrasts(self) -> list[int] | None:
        """Per record the number of its first response under the corrupted image; None unless every record has one."""
        if any(sample.contrast is None for sample in self.samples):
            return None
        return [start + len(levels) for start, levels in self.records]

    def to(self, device: torch.device | str) -> TreeRow:
        """The row with its tensors on a device."""
        names = (
            "input_ids",
            "position_ids",
            "predict_index",
            "targets",
            "token_weights",
            "response_index",
            "round_index",
        )
        moved: dict[str, Tensor] = {name: getattr(self, name).to(device) for name in names}
        return replace(self, **moved, images=tuple(image.to(device) for image in self.images))  # type: ignore[arg-type]


def build_rows(samples: Sequence[TreeSample], max_tokens_per_row: int) -> list[TreeRow]:
    """Pack samples into rows of at most `max_tokens_per_row`, longest first; a longer sample has a row of its own.

    Which samples share a row changes no log-probability, only speed and memory. Nothing is truncated.
    """
    bins: list[list[TreeSample]] = []
    room: list[int] = []
    for sample in sorted(samples, key=lambda item: -item.total):
        place = next((i for i, free in enumerate(room) if sample.total <= free), None)
        if place is None:
            bins.append([])
            room.append(max_tokens_per_row)
            place = len(bins) - 1
        bins[place].append(sample)
        room[place] -= sample.total
    return [build_row(items) for items in bins]


def build_row(samples: Sequence[TreeSample]) -> TreeRow:
    """Lay samples into one row, in their order."""
    draft = _Draft()
    trees = [tree for sample in samples for tree in sample.trees]
    for tree in trees:
        draft.add_tree(tree)
    images, image_index = _share_images(trees)
    positions = torch.cat(draft.position_ids, dim=1)
    return TreeRow(
        input_ids=torch.tensor([draft.input_ids]),
        position_ids=positions if len(positions) == 1 else positions[:, None],
        images=images,
        image_index=image_index,
        layout=TreeLayout(tuple(tree.shape for tree in trees), tuple(draft.scored)),
        predict_index=torch.tensor(draft.predict_index),
        targets=torch.tensor(draft.targets),
        token_weights=torch.tensor(draft.token_weights, dtype=torch.float32),
        response_index=torch.repeat_interleave(torch.tensor(draft.target_lengths)),
        round_index=torch.tensor(draft.round_index),
        target_lengths=tuple(draft.target_lengths),
        samples=tuple(samples),
    )


class _Draft:
    """The lists of a row while samples are added."""

    def __init__(self) -> None:
        self.input_ids: list[int] = []
        self.position_ids: list[Tensor] = []
        self.predict_index: list[int] = []
        self.targets: list[int] = []
        self.token_weights: list[float] = []
        self.round_index: list[int] = []
        self.target_lengths: list[int] = []
        self.scored: list[tuple[int, ...]] = []

    def add_tree(self, sample: TreeSample) -> None:
        """Append the prefix and every response."""
        positions = _number_prefix(sample.prompt)
        start, before = len(self.input_ids), len(self.predict_index)
        self.input_ids += sample.prompt.input_ids
        self.position_ids.append(positions)
        last = len(self.input_ids) - 1
        for number, response in enumerate(sample.responses):
            weights = None if sample.token_weights is None else sample.token_weights[number]
            self._add_response(response, weights, last)
            # An image may take fewer positions than tokens: a response goes on after the highest.
            follow = torch.arange(len(response.input_ids)) + positions.max() + 1
            self.position_ids.append(follow.expand(len(positions), -1))
        self.scored.append(tuple(place - start for place in self.predict_index[before:]))

    def _add_response(self, response: EncodedResponse, weights: Sequence[float] | None, prefix_end: int) -> None:
        start = len(self.input_ids)
        scored = [i for i, own in enumerate(response.is_response) if own]
        # The first token of every response is predicted by the one hidden state at the end of the prefix.
        self.predict_index += [start + i - 1 if i else prefix_end for i in scored]
        self.targets += [response.input_ids[i] for i in scored]
        self.token_weights += [1.0] * len(scored) if weights is None else [weights[i] for i in scored]
        self.round_index += [response.round_index[i] for i in scored]
        self.target_lengths.append(len(scored))
        self.input_ids += response.input_ids


def _number_prefix(prompt: EncodedPrompt) -> Tensor:
    """`[channels, P]`."""
    return torch.arange(len(prompt.input_ids))[None] if prompt.position_ids is None else prompt.position_ids


def _share_images(trees: Sequence[TreeSample]) -> tuple[tuple[EncodedImage, ...], list[int]]:
    """The distinct images of all trees and, per image slot, which one it is.

    The same object is the same image: `PixelCache` gives the same one for the same path.
    """
    place: dict[int, int] = {}
    distinct: list[EncodedImage] = []
    index: list[int] = []
    for image in (image for tree in trees for image in tree.prompt.images):
        if id(image) not in place:
            place[id(image)] = len(distinct)
            distinct.append(image)
        index.append(place[id(image)])
    return tuple(distinct), index
