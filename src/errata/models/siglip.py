"""What families with a SigLIP tower share: pictures of one size, and as many features for each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from errata.models.encoded import EncodedImage
from errata.models.family import FamilyAdapter


class SiglipAdapter(FamilyAdapter):
    """The image part of a family whose tower takes one size and gives one number of features."""

    @property
    @abstractmethod
    def image_length(self) -> int:
        """Features of an image."""

    def _read_image(self, image: Image.Image) -> EncodedImage:
        """Pixels `[3, height, width]`, float32."""
        inputs = self._processor.image_processor(images=[image], return_tensors="pt")
        return EncodedImage(inputs["pixel_values"][0], self.image_length)

    def image_features(self, model: nn.Module, images: Sequence[EncodedImage]) -> list[Tensor]:
        """Projected features `[tokens, H]` of each image."""
        inner = self.find_model(model).model
        pixels = torch.stack([image.pixels for image in images]).to(inner.vision_tower.dtype)
        return list(inner.get_image_features(pixel_values=pixels).pooler_output)

    def feature_inputs(self, features: list[Tensor]) -> dict[str, Any]:
        """Arguments that give the model image features; it takes those of all images as one tensor."""
        return {"mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=torch.stack(features))}}
