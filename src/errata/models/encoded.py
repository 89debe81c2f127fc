"""What encoding gives: images as pixels, prompts and responses as tokens.

Which tokens of a prompt see one another in both directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import torch
from torch import Tensor

from errata.records import Turn


@dataclass(frozen=True, slots=True)
class Block:
    """A span of a prompt's tokens each of which sees all of them, later ones too.

    Args:
        start: The first token.
        end: One after the last.
        beyond_window: Whether they do so however far apart in layers with a sliding window; if not, the window bounds
            how far back they look, as it does for other tokens.
    """

    start: int
    end: int
    beyond_window: bool = False


def find_runs(input_ids: Sequence[int], token: int) -> tuple[Block, ...]:
    """One block for every unbroken run of a token."""
    blocks: list[Block] = []
    place = 0
    for value, group in groupby(input_ids):
        length = len(list(group))
        if value == token:
            blocks.append(Block(place, place + length))
        place += length
    return tuple(blocks)


NOT_TEXT = (-1, -1)
"""The offsets of a token that stands for no character of a response: end of turn, or words of the template."""


@dataclass(frozen=True, slots=True, eq=False)
class EncodedImage:
    """One image as its family's vision tower wants it. Two are the same image when they are the same object.

    Args:
        pixels: float32, in the family's shape: `[3, height, width]`, or patches in a first dimension.
        n_tokens: How many features the language model sees.
        size: What the family needs to know besides the pixels, such as the patch grid; often nothing.
        name: What the image is called where it came from; images of one name are equal. None if it has none.
        features: What the language model sees of it, `[tokens, width]`, where that is known already.
    """

    pixels: Tensor
    n_tokens: int
    size: tuple[int, ...] = ()
    name: str | None = None
    features: Tensor | None = None

    @property
    def nbytes(self) -> int:
        """Memory of the pixels in bytes."""
        return self.pixels.nbytes

    def to(self, device: torch.device | str) -> EncodedImage:
        """The image with its tensors on a device."""
        features = None if self.features is None else self.features.to(device)
        return replace(self, pixels=self.pixels.to(device), features=features)

    def without_pixels(self) -> EncodedImage:
        """What tokens and positions depend on, in no memory."""
        return replace(self, pixels=torch.empty(0))


@dataclass(frozen=True, slots=True)
class EncodedPrompt:
    """The shared prefix of all responses to one prompt.

    Args:
        input_ids: Token ids, every image token already repeated once per image feature.
        images: The images in the order of the image tokens.
        text: The rendered prompt before tokenisation, one image token per image.
        turns: The conversation that was rendered, a system prompt included.
        position_ids: `[channels, P]` where the family numbers tokens otherwise than 0, 1, 2, …; else None.
        blocks: The spans whose tokens see one another in both directions.
        images_end: Tokens up to the end of the last image; 0 without images.
    """

    input_ids: list[int]
    images: tuple[EncodedImage, ...]
    text: str
    turns: tuple[Turn, ...]
    position_ids: Tensor | None = None
    blocks: tuple[Block, ...] = ()
    images_end: int = 0

    @property
    def next_position(self) -> int:
        """The position of the first token of a response; a family may number an image with fewer than its tokens."""
        return len(self.input_ids) if self.position_ids is None else int(self.position_ids.max()) + 1

    @property
    def n_images(self) -> int:
        """How many images the prompt shows."""
        return len(self.images)


@dataclass(frozen=True, slots=True)
class EncodedResponse:
    """The tokens after a prompt; four lists of equal length.

    Args:
        input_ids: Token ids, the end of the last turn included.
        is_response: True where the model itself has to write the token: its words and the end of its turn.
        round_index: The assistant turn the token belongs to, from 0 (further user turns count to the round before).
        offsets: Character span in that round's text, or `NOT_TEXT`.
    """

    input_ids: list[int]
    is_response: list[bool]
    round_index: list[int]
    offsets: list[tuple[int, int]]
