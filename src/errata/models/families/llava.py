"""LLaVA-1.5: a CLIP-like tower, a projector and a Llama- or Mistral-like language model.

LLaVA-NeXT (1.6): an image is cut into tiles of the tower's size, beside a small copy of the whole.

LLaVA-OneVision: an image alone in its prompt is cut into tiles, one of several is not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from transformers.models.llava_onevision.modeling_llava_onevision import get_anyres_image_grid_shape, unpad_image

from errata.errors import ModelError
from errata.models.encoded import EncodedImage
from errata.models.families.family import FamilyAdapter
from errata.models.templates import VICUNA, is_vicuna
from errata.models.tiled import TiledAdapter


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


class LlavaNextAdapter(TiledAdapter):
    """Encode and run `LlavaNextForConditionalGeneration`; an image's `size` is its height and width in the file."""

    architecture = "LlavaNextForConditionalGeneration"

    def _find_plain_template(self) -> str | None:
        return VICUNA if is_vicuna(self._config.text_config, self._tokenizer) else None

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


_PARTNER = Image.new("RGB", (8, 8))
"""Stands beside an image, so that the image processor sees several."""


class LlavaOnevisionAdapter(TiledAdapter):
    """Encode and run `LlavaOnevisionForConditionalGeneration`; an image's `size` is its height and width in the file.

    Pixels are `[tiles, 3, side, side]`: the whole image first, and nothing else for one of several.
    """

    architecture = "LlavaOnevisionForConditionalGeneration"
    whole_processor = False
    several_differ = True

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
