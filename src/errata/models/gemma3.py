"""Gemma 3 with images: an image's tokens see one another in both directions, all others look back only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from errata.errors import ModelError
from errata.models.blocks import Block, find_runs
from errata.models.protocol import ModelSettings
from errata.models.siglip import SiglipAdapter


class Gemma3Adapter(SiglipAdapter):
    """Encode and run `Gemma3ForConditionalGeneration`; every image is a block."""

    architecture = "Gemma3ForConditionalGeneration"
    image_marker = "boi_token_id"

    def __init__(self, processor: Any, config: Any, settings: ModelSettings, stops: Sequence[int] = ()) -> None:
        super().__init__(processor, config, settings, stops)
        if getattr(processor.image_processor, "do_pan_and_scan", None):
            raise ModelError(
                "image processor",
                expected="do_pan_and_scan false: an image is shown once",
                found="true",
                fix="set it to false in preprocessor_config.json",
            )

    @property
    def image_length(self) -> int:
        """Features of an image, after pooling."""
        return int(self._config.mm_tokens_per_image)

    def _write_image(self) -> str:
        """The image between the tokens that frame it, on lines of its own."""
        ids = [self._config.boi_token_id, self._config.image_token_id, self._config.eoi_token_id]
        tokens = self._tokenizer.convert_ids_to_tokens(ids)
        if None in tokens:
            raise ModelError(
                "tokenizer",
                expected=f"the tokens {ids} of an image",
                found="one of fewer tokens",
                fix="use the tokenizer that belongs to the model",
            )
        return "\n\n" + "".join(tokens) + "\n\n"

    def _find_blocks(self, input_ids: Sequence[int]) -> tuple[Block, ...]:
        return find_runs(input_ids, self._image_token_id)

    def mask_inputs(self, input_ids: Tensor, prefix: int) -> dict[str, Tensor]:  # noqa: ARG002 - images stand before it
        """Token types: 1 where an image is."""
        return {"token_type_ids": (input_ids == self._image_token_id).long()}
