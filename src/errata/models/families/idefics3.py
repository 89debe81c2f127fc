"""Idefics3 and SmolVLM: tiles of one size with a tag each, and a small copy of the whole image after them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from PIL import Image
from torch import Tensor, nn

from errata.errors import ModelError
from errata.models.encoded import EncodedImage
from errata.models.families.family import FamilyAdapter
from errata.models.families.limits import find_most_tiles
from errata.models.protocol import ModelSettings

_FRAME = "<fake_token_around_image>"
"""Stands before every tile and after the last."""
_WHOLE = "<global-img>"


class Idefics3Adapter(FamilyAdapter):
    """Encode and run `Idefics3ForConditionalGeneration`; an image's `size` is its rows and columns of tiles.

    Both are 0 for an image that is not cut.
    """

    architecture = "Idefics3ForConditionalGeneration"
    whole_processor = False
    limits: ClassVar[tuple[str, ...]] = ("max_pixels", "max_tiles")

    def __init__(self, processor: Any, config: Any, settings: ModelSettings, stops: Sequence[int] = ()) -> None:
        super().__init__(processor, config, settings, stops)
        if _FRAME not in self._tokenizer.get_vocab():
            raise ModelError(
                "tokenizer",
                expected=f"the token {_FRAME} around an image",
                found="none",
                fix="use the tokenizer that belongs to the model",
            )

    def _read_image(self, image: Image.Image) -> EncodedImage:
        """Pixels `[tiles, 3, side, side]`, float32; nothing in them is padding.

        The processor enlarges or shrinks every image to one length, which a limit on tiles makes shorter: by whole
        tiles, until there are few enough.
        """
        if self._most_tiles is None:
            return self._cut(image, {})
        across = int(self._processor.image_processor.size["longest_edge"]) // self._side
        ratio = min(image.size) / max(image.size)
        wanted = [n for n in range(across, 1, -1) if n * math.ceil(n * ratio) <= self._most_tiles]
        found = (self._cut(image, {"size": {"longest_edge": n * self._side}}) for n in (*wanted, 1))
        return next(each for each in found if each.size[0] * each.size[1] <= self._most_tiles)

    def _set_limits(self) -> None:
        super()._set_limits()
        self._side = int(self._processor.image_processor.max_image_size["longest_edge"])
        self._most_tiles = find_most_tiles(self.settings, (self._side, self._side))

    def _cut(self, image: Image.Image, options: dict[str, Any]) -> EncodedImage:
        inputs = self._processor.image_processor(
            images=[[image]], return_row_col_info=True, return_tensors="pt", **options
        )
        tiles: Tensor = inputs["pixel_values"][0]
        size = (int(inputs["rows"][0][0]), int(inputs["cols"][0][0]))
        return EncodedImage(tiles, len(tiles) * self._count_features(tiles), size)

    def _count_features(self, tiles: Tensor) -> int:
        """Features of one tile."""
        patch = self._config.vision_config.patch_size
        patches = (tiles.shape[-2] // patch) * (tiles.shape[-1] // patch)
        return int(patches // self._config.scale_factor**2)

    def _place_image(self, image: EncodedImage) -> list[int]:
        """Every tile's features after the tag that says its place; the text is tokenised as a whole."""
        rows, columns = image.size
        slot = self._tokenizer.convert_ids_to_tokens(self._image_token_id)
        lines = [
            "".join(f"{_FRAME}<row_{row}_col_{column}>{slot}" for column in range(1, columns + 1)) + "\n"
            for row in range(1, rows + 1)
        ]
        text = "".join(lines) + ("\n" if lines else "") + f"{_FRAME}{_WHOLE}{slot}{_FRAME}"
        each = image.n_tokens // (rows * columns + 1)
        tokens = self._tokenizer(text, add_special_tokens=False).input_ids
        return [copy for token in tokens for copy in [token] * (each if token == self._image_token_id else 1)]

    def image_features(self, model: nn.Module, images: Sequence[EncodedImage]) -> list[Tensor]:
        """Projected features `[tokens, H]` of each image."""
        tiles = torch.cat([image.pixels for image in images])
        (features,) = self.find_model(model).model.get_image_features(pixel_values=tiles[None]).pooler_output
        return list(features.split([image.n_tokens for image in images]))


class SmolVLMAdapter(Idefics3Adapter):
    """Encode and run `SmolVLMForConditionalGeneration`."""

    architecture = "SmolVLMForConditionalGeneration"
