"""Where samples stand in a row, and which earlier tokens each response may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import torch
from torch import Tensor

from errata.models import Block


@dataclass(frozen=True, slots=True)
class TreeShape:
    """Lengths in tokens of a shared prefix and of the responses after it, and the prefix's blocks."""

    prefix: int
    responses: tuple[int, ...]
    blocks: tuple[Block, ...] = ()

    @property
    def total(self) -> int:
        """All tokens of the sample."""
        return self.prefix + sum(self.responses)

    @property
    def longest(self) -> int:
        """The longest sequence that a token of this sample sees the end of."""
        return self.prefix + max(self.responses)


@dataclass(frozen=True, slots=True)
class SampleMasks:
    """True where a query (row) may see a key (column).

    `prefix` is `[P, P]`, or None where `is_causal` alone says it: every token sees those before it, or (False) all.
    `responses` is `[sum R, P + sum R]`.
    """

    prefix: Tensor | None
    is_causal: bool
    responses: Tensor


@dataclass(frozen=True)
class TreeLayout:
    """The shapes of a row's samples in order. Masks are built at first use and serve every layer.

    Args:
        samples: Lengths.
        scored: Per sample the places whose hidden states predict a scored token, counted from the sample's start and
            in the order of the row's targets; none lies in a prefix but at its end. Empty: unknown, every layer
            computes every place.
    """

    samples: tuple[TreeShape, ...]
    scored: tuple[tuple[int, ...], ...] = ()
    _masks: dict[tuple[torch.device, int | None], list[SampleMasks]] = field(default_factory=dict, repr=False)

    @property
    def lengths(self) -> list[int]:
        """Tokens of each sample."""
        return [sample.total for sample in self.samples]

    def scored_index(self, device: torch.device) -> Tensor:
        """`[T]`, the scored places counted from the row's start."""
        starts = accumulate(self.lengths, initial=0)
        places = [start + place for start, own in zip(starts, self.scored, strict=False) for place in own]
        return torch.tensor(places, device=device)

    def scored_masks(self, device: torch.device, window: int | None = None) -> list[Tensor]:
        """Per sample `[its scored places, its tokens]`: what each of them may see; see `masks`."""
        return [
            _choose_rows(shape, masks, places)
            for shape, masks, places in zip(self.samples, self.masks(device, window), self.scored, strict=True)
        ]

    def masks(self, device: torch.device, window: int | None = None) -> list[SampleMasks]:
        """The masks of every sample; none grows with the row.

        Args:
            device: Where the masks are needed.
            window: How many tokens back a layer may look (its own included), or None for all.
        """
        if (device, window) not in self._masks:
            self._masks[device, window] = [_build_masks(sample, device, window) for sample in self.samples]
        return self._masks[device, window]


def _build_masks(shape: TreeShape, device: torch.device, window: int | None) -> SampleMasks:
    """See `SampleMasks`; a window that no sequence exceeds changes nothing."""
    if window is not None and shape.longest <= window:
        window = None
    owner = _repeat(range(len(shape.responses) + 1), (shape.prefix, *shape.responses))
    position = torch.cat([torch.arange(shape.prefix), *(torch.arange(n) + shape.prefix for n in shape.responses)])
    distance = position[:, None] - position[None, :]
    visible = (distance >= 0) & ((owner[None, :] == 0) | (owner[:, None] == owner[None, :]))
    if window is not None:
        # Position, not place in the row: a later response stands far from the prefix it continues.
        visible &= distance < window
    for block in shape.blocks:
        own = slice(block.start, block.end)
        visible[own, own] = True if window is None or block.beyond_window else distance[own, own] < window
    is_causal = window is None and not shape.blocks
    prefix = visible[: shape.prefix, : shape.prefix]
    needs_mask = not (is_causal or bool(prefix.all()))  # kernels without a mask are faster
    responses = visible[shape.prefix :].to(device)
    return SampleMasks(prefix.contiguous().to(device) if needs_mask else None, is_causal, responses)


def _choose_rows(shape: TreeShape, masks: SampleMasks, places: Sequence[int]) -> Tensor:
    """The masks of these places: of the prefix's last token, which sees no response, and of responses' tokens."""
    last = masks.responses.new_zeros(1, shape.total)
    last[:, : shape.prefix] = True if masks.prefix is None else masks.prefix[-1]
    rows = torch.tensor([max(0, place - shape.prefix + 1) for place in places], device=last.device)
    return torch.cat([last, masks.responses])[rows]


def _repeat(values: Sequence[int], counts: Sequence[int]) -> Tensor:
    return torch.repeat_interleave(torch.tensor(values), torch.tensor(counts))
