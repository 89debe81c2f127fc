"""LLaVA-1.5: a CLIP-like tower, a projector and a Llama- or Mistral-like language model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor, nn

from errata.models.family import FamilyAdapter
from errata.models.protocol import EncodedImage
from errata.models.templates import VICUNA


class LlavaAdapter(FamilyAdapter):
    """Encode and run `LlavaForConditionalGeneration` (see the `Adapter` protocol)."""

    architecture = "LlavaForConditionalGeneration"
    plain_template = VICUNA
    image_modes = ("processor", "pad")

    def encode_image(self, image: Image.Image) -> EncodedImage:
        """Pixels `[3, height, width]`, float32."""
        if self.settings.image_mode == "pad":
            image = _pad_to_square(image, self._processor.image_processor.image_mean)
        pixels: Tensor = self._processor.image_processor(images=[image], return_tensors="pt")["pixel_values"][0]
        return EncodedImage(pixels, self.count_image_tokens(pixels))

    def count_image_tokens(self, pixels: Tensor) -> int:
        """How many features the vision tower gives for one image `[3, height, width]`."""
        patch = self._processor.patch_size or self._config.vision_config.patch_size
        strategy = self._processor.vision_feature_select_strategy or self._config.vision_feature_select_strategy
        extra = self._processor.num_additional_image_tokens or int(
            self._config.vision_config.model_type == "clip_vision_model"
        )
        count = (pixels.shape[-2] // patch) * (pixels.shape[-1] // patch) + extra
        return int(count) - int(strategy == "default")

    def image_features(self, model: nn.Module, images: Sequence[EncodedImage]) -> list[Tensor]:
        """Projected features `[tokens, H]` of each image."""
        inner = self.find_model(model).model
        pixels = torch.stack([image.pixels for image in images])
        return list(inner.get_image_features(pixel_values=pixels.to(inner.vision_tower.dtype)).pooler_output)


def _pad_to_square(image: Image.Image, mean: Sequence[float]) -> Image.Image:
    if image.width == image.height:
        return image
    side = max(image.size)
    square = Image.new("RGB", (side, side), tuple(int(value * 255) for value in mean))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square
