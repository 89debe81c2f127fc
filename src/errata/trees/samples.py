"""A record in tokens: what is laid into a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from errata.models import EncodedPrompt, EncodedResponse
from errata.trees.layout import TreeShape


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
