"""InternVL in the form of the Hub's `-hf` checkpoints: tiles of one size and a small copy of the whole image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from PIL import Image
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from errata.errors import ModelError
from errata.models.encoded import EncodedImage
from errata.models.families.family import FamilyAdapter
from errata.models.families.limits import find_most_tiles
from errata.models.protocol import ModelSettings

_FRAME = ("<img>", "</img>")
"""What stands before and after the features of an image."""


class InternVLAdapter(FamilyAdapter):
    """Encode and run `InternVLForConditionalGeneration`."""

    architecture = "InternVLForConditionalGeneration"
    whole_processor = False
    limits: ClassVar[tuple[str, ...]] = ("max_pixels", "max_tiles")

    def __init__(self, processor: Any, config: Any, settings: ModelSettings, stops: Sequence[int] = ()) -> None:
        super().__init__(processor, config, settings, stops)
        known = self._tokenizer.get_vocab()
        if not known.keys() >= set(_FRAME):
            raise ModelError(
                "tokenizer",
                expected=f"the tokens {' and '.join(_FRAME)} around an image",
                found="none",
                fix="use the tokenizer that belongs to the model",
            )
        self._frame = tuple(known[token] for token in _FRAME)

    def _set_limits(self) -> None:
        super()._set_limits()
        images = self._processor.image_processor
        most = find_most_tiles(self.settings, (images.size["width"], images.size["height"]))
        if most is not None:
            images.max_patches = most if self.settings.max_tiles is not None else min(most, images.max_patches)
            images.min_patches = min(images.min_patches, images.max_patches)

    def _read_image(self, image: Image.Image) -> EncodedImage:
        """Pixels `[tiles, 3, side, side]`, float32."""
        # The family's processor asks for tiles whatever the image settings say.
        tiles: Tensor = self._processor.image_processor(images=[image], crop_to_patches=True, return_tensors="pt")[
            "pixel_values"
        ]
        return EncodedImage(tiles, len(tiles) * int(self._config.image_seq_length))

    def _place_image(self, image: EncodedImage) -> list[int]:
        """The features between two tokens that frame them."""
        start, end = self._frame
        return [start, *super()._place_image(image), end]

    def image_features(self, model: nn.Module, images: Sequence[EncodedImage]) -> list[Tensor]:
        """Projected features `[tokens, H]` of each image."""
        tiles = torch.cat([image.pixels for image in images])
        features = self.find_model(model).model.get_image_features(pixel_values=tiles).pooler_output
        return list(features.flatten(0, 1).split([image.n_tokens for image in images]))

    def feature_inputs(self, features: list[Tensor]) -> dict[str, Any]:
        """Arguments that give the model image features; it takes those of all images as one batch of tiles."""
        tiles = torch.cat(features).view(-1, int(self._config.image_seq_length), features[0].shape[-1])
        return {"mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=tiles)}}
