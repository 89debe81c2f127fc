"""The reference path: every response in a pass of its own. Slow and plain; what the tree must agree with."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from errata.models import Adapter
from errata.trees.logps import token_logps
from errata.trees.rows import TreeRow, TreeSample, build_row


def separate_logps(adapter: Adapter, model: nn.Module, row: TreeRow, *, chunk_size: int | None = None) -> Tensor:
    """The same `[T]` as `token_logps` of the row, from one causal pass per response."""
    device = row.input_ids.device
    singles = (single.to(device) for sample in row.samples for single in split_sample(sample))
    return torch.cat([token_logps(adapter, model, single, chunk_size=chunk_size) for single in singles])


def split_sample(sample: TreeSample) -> list[TreeRow]:
    """One ordinary causal sequence per response, those of the contrast last."""
    rows = []
    for tree in sample.trees:
        for number, response in enumerate(tree.responses):
            weights = None if tree.token_weights is None else (tree.token_weights[number],)
            alone = replace(tree, responses=(response,), levels=(0,), token_weights=weights, contrast=None)
            rows.append(replace(build_row([alone]), layout=None))
    return rows
