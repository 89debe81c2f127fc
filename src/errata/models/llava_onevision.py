"""LLaVA-OneVision: an image alone in its prompt is cut into tiles, one of several is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from PIL import Image
from torch import Tensor, nn
from transformers.models.llava_onevision.modeling_llava_onevision import get_anyres_image_grid_shape, unpad_image

from errata.images import LIMITS
from errata.models.encoded import EncodedImage
from errata.models.family import FamilyAdapter
from errata.models.limits import limit_tiled, require_grid

_PARTNER = Image.new("RGB", (8, 8))
"""Stands beside an image, so that the image processor sees several."""


class LlavaOnevisionAdapter(FamilyAdapter):
    """Encode and run `LlavaOnevisionForConditionalGeneration`; an image's `size` is its height and width in the file.

    Pixels are `[tiles, 3, side, side]`: the whole image first, and nothing else for one of several.
    """

    architecture = "LlavaOnevisionForConditionalGeneration"
    whole_processor = False
    several_differ = True
    limits: ClassVar[tuple[str, ...]] = LIMITS

    def _set_limits(self) -> None:
        super()._set_limits()
        require_grid(self.settings, self._config)

    def _limit(self, image: Image.Image) -> Image.Image:
        return limit_tiled(image, self.settings, self._config)

    def _read_image(self, image: Image.Image) -> EncodedImage:
        """Pixels of the whole image and of its tiles, float32."""
        inputs = self._processor.image_processor(images=[[image]], return_tensors="pt")
        height, width = inputs["image_sizes"][0].tolist()
        return EncodedImage(inputs["pixel_values"][0], self._count_features(height, width), (height, width))

    def _read_one_of_several(self, image: Image.Image) -> EncodedImage:
        """Pixels of the whole image alone, padded to a square, float32."""
        inputs = self._processor.image_processor(images=[[image, _PARTNER]], return_tensors="pt")
        height, width = inputs["image_sizes"][0].tolist()
        return EncodedImage(inputs["pixel_values"][0], self._across**2 + 1, (height, width))

    @property
    def _across(self) -> int:
        """Features in a row of one tile."""
        vision = self._config.vision_config
        return int(vision.image_size // vision.patch_size)

    def _count_features(self, height: int, width: int) -> int:
        """Features of the whole image, and of its tiles laid side by side: each line ends with a line break."""
        pinpoints, side = self._config.image_grid_pinpoints, self._config.vision_config.image_size
        rows, columns = (n * self._across for n in get_anyres_image_grid_shape((height, width), pinpoints, side))
        # The model's own function, so that rounding is the model's too; only the shape is computed.
        _, lines, length = unpad_image(torch.empty(1, rows, columns, device="meta"), (height, width)).shape
        most = int(self._config.vision_aspect_ratio.removeprefix("anyres_max_"))
        shrink = math.sqrt(lines * length / (most * self._across**2))
        if shrink > 1.1:
            lines, length = int(lines // shrink), int(length // shrink)
        return int(self._across**2 + lines * (length + 1))

    def image_features(self, model: nn.Module, images: Sequence[EncodedImage]) -> list[Tensor]:
        """Projected features `[tokens, H]` of each image."""
        inner = self.find_model(model).model
        alone = [image for image in images if len(image.pixels) > 1]
        several = [image for image in images if len(image.pixels) == 1]
        if len(several) == 1:
            several = several * 2  # the model knows an image without tiles only beside another one
        batch = [*alone, *several]
        features = inner.get_image_features(
            pixel_values=torch.cat([image.pixels for image in batch]).to(inner.vision_tower.dtype),
            image_sizes=torch.tensor([image.size for image in batch]),
            batch_num_images=[1] * len(alone) + [len(several)],
        ).pooler_output
        by_image = {id(image): feature for image, feature in zip(batch, features, strict=True)}
        return [by_image[id(image)] for image in images]

    def describe(self) -> dict[str, Any]:
        """See `FamilyAdapter.describe`; how tiles are chosen and packed stands in the model's configuration."""
        names = ("image_grid_pinpoints", "vision_aspect_ratio")
        return super().describe() | {name: getattr(self._config, name) for name in names}
