"""LLaVA-NeXT (1.6): an image is cut into tiles of the tower's size, beside a small copy of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from PIL import Image
from torch import Tensor, nn

from errata.images import LIMITS
from errata.models.encoded import EncodedImage
from errata.models.family import FamilyAdapter
from errata.models.limits import limit_tiled, require_grid
from errata.models.templates import VICUNA, is_vicuna


class LlavaNextAdapter(FamilyAdapter):
    """Encode and run `LlavaNextForConditionalGeneration`; an image's `size` is its height and width in the file."""

    architecture = "LlavaNextForConditionalGeneration"
    limits: ClassVar[tuple[str, ...]] = LIMITS

    def _find_plain_template(self) -> str | None:
        return VICUNA if is_vicuna(self._config.text_config, self._tokenizer) else None

    def _set_limits(self) -> None:
        super()._set_limits()
        require_grid(self.settings, self._config)

    def _limit(self, image: Image.Image) -> Image.Image:
        return limit_tiled(image, self.settings, self._config)

    def _read_image(self, image: Image.Image) -> EncodedImage:
        """Pixels `[tiles, 3, side, side]`, float32."""
        inputs = self._processor.image_processor(images=[image], return_tensors="pt")
        height, width = inputs["image_sizes"][0].tolist()
        # Tiles, less what only pads them, and line breaks: the processor knows how many features they give.
        placeholder: str = self._processor.replace_image_token(inputs, 0)
        count = placeholder.count(self._processor.image_token)
        return EncodedImage(inputs["pixel_values"][0], count, (height, width))

    def image_features(self, model: nn.Module, images: Sequence[EncodedImage]) -> list[Tensor]:
        """Projected features `[tokens, H]` of each image."""
        inner = self.find_model(model).model
        tiles = torch.cat([image.pixels for image in images]).to(inner.vision_tower.dtype)
        sizes = torch.tensor([image.size for image in images])
        return list(inner.get_image_features(pixel_values=tiles, image_sizes=sizes).pooler_output)
