"""The reference path: every response in a pass of its own. Slow and plain; what the tree must agree with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from errata.models import Adapter, EncodedImage, GenericAdapter
from errata.trees.logps import choice_logps, token_logps
from errata.trees.rows import TreeRow, TreeSample, build_row


def separate_logps(adapter: Adapter, model: nn.Module, row: TreeRow, *, chunk_size: int | None = None) -> Tensor:
    """The same `[T]` as `token_logps` of the row, from one causal pass per response.

    The vision tower sees every distinct image once, alone; of a model that takes pixels, once per response.
    """
    rows = separate_rows(adapter, model, row)
    return torch.cat([token_logps(adapter, model, single, chunk_size=chunk_size) for single in rows])


def separate_choice_logps(adapter: Adapter, model: nn.Module, row: TreeRow, choices: Sequence[int]) -> Tensor:
    """The same `[T, n]` as `choice_logps` of the row, from one causal pass per response."""
    rows = separate_rows(adapter, model, row)
    return torch.cat([choice_logps(adapter, model, single, choices) for single in rows])


def separate_rows(adapter: Adapter, model: nn.Module, row: TreeRow) -> Iterator[TreeRow]:
    """The row's responses as ordinary sequences, in their order, on its device; images as in `separate_logps`."""
    images = [_fill(adapter, model, image) for image in row.images]
    start = 0
    for tree in (tree for sample in row.samples for tree in sample.trees):
        end = start + tree.prompt.n_images
        shown = replace(tree.prompt, images=tuple(images[i] for i in row.image_index[start:end]))
        for single in split_tree(replace(tree, prompt=shown)):
            yield single.to(row.input_ids.device)
        start = end


def _fill(adapter: Adapter, model: nn.Module, image: EncodedImage) -> EncodedImage:
    """The image with its features, where the model takes them."""
    if image.features is not None or isinstance(adapter, GenericAdapter):
        return image
    return replace(image, features=adapter.image_features(model, [image])[0])


def split_tree(tree: TreeSample) -> list[TreeRow]:
    """One ordinary causal sequence per response, without the contrast's, which is a tree of its own."""
    rows = []
    for number, response in enumerate(tree.responses):
        weights = None if tree.token_weights is None else (tree.token_weights[number],)
        alone = replace(tree, responses=(response,), levels=(0,), token_weights=weights, contrast=None)
        rows.append(replace(build_row([alone]), layout=None))
    return rows
