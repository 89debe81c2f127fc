"""Which tokens of a prompt see one another in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby


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
