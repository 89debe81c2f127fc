"""LLaVA-1.5: a CLIP-like tower, a projector and a Llama- or Mistral-like language model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor, nn

from errata.errors import ModelError
from errata.models.encoded import EncodedImage
from errata.models.family import FamilyAdapter
from errata.models.templates import VICUNA, is_vicuna


class LlavaAdapter(FamilyAdapter):
    """Encode and run `LlavaForConditionalGeneration` (see the `Adapter` protocol)."""

    architecture = "LlavaForConditionalGeneration"
    image_modes = ("processor", "pad")

    def _find_plain_template(self) -> str | None:
        return VICUNA if is_vicuna(self._config.text_config, self._tokenizer) else None

    def _read_image(self, image: Image.Image) -> EncodedImage:
        """Pixels `[3, height, width]`, float32. Raises ModelError for a size that the vision tower cannot take."""
        if self.settings.image_mode == "pad":
            image = _pad_to_square(image, self._processor.image_processor.image_mean)
        pixels: Tensor = self._processor.image_processor(images=[image], return_tensors="pt")["pixel_values"][0]
        self._check_size(pixels)
        return EncodedImage(pixels, self.count_image_tokens(pixels))

    def _check_size(self, pixels: Tensor) -> None:
        """Raise ModelError where the vision tower takes one size of image, and this is another."""
        vision = self._config.vision_config
        side = vision.image_size
        if vision.model_type == "clip_vision_model" and pixels.shape[-2:] != (side, side):
            raise ModelError(
                "image processor",
                expected=f"images of {side} x {side} pixels, as the vision tower takes them",
                found=f"{pixels.shape[-1]} x {pixels.shape[-2]}",
                fix="set size, crop_size and do_center_crop in preprocessor_config.json as the model was trained",
            )

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
        by_size: dict[torch.Size, list[EncodedImage]] = {}
        for image in images:
            by_size.setdefault(image.pixels.shape, []).append(image)
        features: dict[int, Tensor] = {}
        for group in by_size.values():
            pixels = torch.stack([image.pixels for image in group]).to(inner.vision_tower.dtype)
            found = inner.get_image_features(pixel_values=pixels).pooler_output
            features.update((id(image), feature) for image, feature in zip(group, found, strict=True))
        return [features[id(image)] for image in images]


def _pad_to_square(image: Image.Image, mean: Sequence[float]) -> Image.Image:
    if image.width == image.height:
        return image
    side = max(image.size)
    square = Image.new("RGB", (side, side), tuple(int(value * 255) for value in mean))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square
