"""Qwen2-VL, Qwen2.5-VL, Qwen3-VL and Qwen3.5: images of any size, and positions in time, height and width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from PIL import Image
from torch import Tensor, nn
from transformers.models.qwen3_vl.modeling_qwen3_vl import BaseModelOutputWithDeepstackFeatures

from errata.errors import ModelError
from errata.models.encoded import EncodedImage
from errata.models.families.family import FamilyAdapter


class Qwen2VLAdapter(FamilyAdapter):
    """Encode and run `Qwen2VLForConditionalGeneration`; an image's `size` is its grid of patches (1, height, width)."""

    architecture = "Qwen2VLForConditionalGeneration"
    whole_processor = False
    limits: ClassVar[tuple[str, ...]] = ("max_pixels", "min_pixels")

    def _set_limits(self) -> None:
        """`size` holds the least and the most pixels under the names of edges."""
        super()._set_limits()
        settings, images = self.settings, self._processor.image_processor
        if settings.max_pixels is None and settings.min_pixels is None:
            return
        most = settings.max_pixels or images.size["longest_edge"]
        least = settings.min_pixels or min(images.size["shortest_edge"], most)
        if least > most:
            found = f"{least}, above the processor's largest of {most}"
            raise ModelError("model.min_pixels", expected="at most max_pixels", found=found, fix="set max_pixels too")
        images.size = {"shortest_edge": least, "longest_edge": most}

    def _read_image(self, image: Image.Image) -> EncodedImage:
        """Pixels `[patches, patch values]`, float32."""
        inputs = self._processor.image_processor(images=[image], return_tensors="pt")
        grid = tuple(inputs["image_grid_thw"][0].tolist())
        return EncodedImage(inputs["pixel_values"], grid[1] * grid[2] // self._merge**2, grid)

    @property
    def _merge(self) -> int:
        """Patches that one feature spans in height and width."""
        return int(self._config.vision_config.spatial_merge_size)

    def _number_tokens(self, input_ids: list[int], images: Sequence[EncodedImage]) -> Tensor:
        """Positions `[3, P]`: text counts on in all three; an image is one step in time and a grid in the others."""
        pieces: list[Tensor] = []
        waiting, place, position = iter(images), 0, 0
        while place < len(input_ids):
            if input_ids[place] == self._image_token_id:
                _, height, width = next(waiting).size
                rows, columns = height // self._merge, width // self._merge
                pieces.append(torch.cartesian_prod(torch.arange(1), torch.arange(rows), torch.arange(columns)).T)
                length, step = rows * columns, max(rows, columns)
            else:
                pieces.append(torch.zeros(3, 1, dtype=torch.long))
                length = step = 1
            pieces[-1] = pieces[-1] + position
            place, position = place + length, position + step
        return torch.cat(pieces, dim=1)

    def image_features(self, model: nn.Module, images: Sequence[EncodedImage]) -> list[Tensor]:
        """Features `[tokens, H]` of each image."""
        return list(self._run_tower(model, images).pooler_output)

    def _run_tower(self, model: nn.Module, images: Sequence[EncodedImage]) -> Any:
        inner = self.find_model(model).model
        patches = torch.cat([image.pixels for image in images])
        grids = torch.tensor([image.size for image in images], device=patches.device)
        return inner.get_image_features(pixel_values=patches, image_grid_thw=grids)


class Qwen25VLAdapter(Qwen2VLAdapter):
    """Encode and run `Qwen2_5_VLForConditionalGeneration`."""

    architecture = "Qwen2_5_VLForConditionalGeneration"


class Qwen35Adapter(Qwen2VLAdapter):
    """Encode and run `Qwen3_5ForConditionalGeneration`; most of its layers are recurrent, so no row of it is a tree."""

    architecture = "Qwen3_5ForConditionalGeneration"


class Qwen3VLAdapter(Qwen2VLAdapter):
    """Encode and run `Qwen3VLForConditionalGeneration`.

    Its tower gives features to several layers of the language model; they stand side by side, `[tokens, layers x H]`.
    """

    architecture = "Qwen3VLForConditionalGeneration"

    def image_features(self, model: nn.Module, images: Sequence[EncodedImage]) -> list[Tensor]:
        """Features of each image, the first layer's first."""
        output = self._run_tower(model, images)
        return [
            torch.cat(layers, dim=1) for layers in zip(output.pooler_output, *output.deepstack_features, strict=True)
        ]

    def feature_inputs(self, features: list[Tensor]) -> dict[str, Any]:
        """Arguments that give the model image features, layer by layer."""
        layers = 1 + len(self._config.vision_config.deepstack_visual_indexes)
        first, *deeper = zip(*(feature.chunk(layers, dim=1) for feature in features), strict=True)
        output = BaseModelOutputWithDeepstackFeatures(
            pooler_output=list(first), deepstack_features=[list(layer) for layer in deeper]
        )
        return {"mm_encoder_outputs": {"image": output}}
