"""Gemma 3 with images: an image's tokens see one another in both directions, all others look back only.

PaliGemma and PaliGemma 2: picture and question are read in both directions, the answer from left to right.

What families with a SigLIP tower share: pictures of one size, and as many features for each.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from errata.errors import ModelError
from errata.models.encoded import Block, EncodedImage, find_runs
from errata.models.families.family import FamilyAdapter
from errata.models.protocol import ModelSettings


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


TEMPLATE = (
    "{% if messages | length > 2 or messages[0]['role'] != 'user' %}"
    "{{ raise_exception('system prompts or further turns; PaliGemma knows one question and its answer') }}{% endif %}"
    "{% set last = namespace(image=-1) %}{% set parts = messages[0]['content'] %}"
    "{% for part in parts %}{% if part['type'] == 'image' %}{% set last.image = loop.index0 %}{% endif %}{% endfor %}"
    "{% if last.image < 0 %}{{ bos_token }}{% endif %}"
    "{% for part in parts %}{{ '<image>' if part['type'] == 'image' else part['text'] }}"
    "{% if loop.index0 == last.image %}{{ bos_token }}{% endif %}{% endfor %}{{ '\n' }}"
    "{% for message in messages[1:] %}{% for part in message['content'] %}{{ part['text'] }}{% endfor %}"
    "{{ eos_token }}{% endfor %}"
)
"""`<image><bos>{question}\\n{answer}<eos>`: the first token stands after the last image, as the processor puts it."""


class PaliGemmaAdapter(SiglipAdapter):
    """Encode and run `PaliGemmaForConditionalGeneration`; the prompt is one block."""

    architecture = "PaliGemmaForConditionalGeneration"
    first_position = 1

    def _find_plain_template(self) -> str:
        return TEMPLATE

    @property
    def image_length(self) -> int:
        """Features of an image: one per patch."""
        vision = self._config.vision_config
        return (int(vision.image_size) // int(vision.patch_size)) ** 2

    def _find_blocks(self, input_ids: Sequence[int]) -> tuple[Block, ...]:
        return (Block(0, len(input_ids), beyond_window=True),)

    def mask_inputs(self, input_ids: Tensor, prefix: int) -> dict[str, Tensor]:
        """Token types: 0 in the prompt, 1 after it."""
        types = (torch.arange(input_ids.shape[1], device=input_ids.device) >= prefix).long()
        return {"token_type_ids": types.expand_as(input_ids)}

    def logit_softcap(self, model: nn.Module) -> float | None:
        """The bound of PaliGemma 2's logits; PaliGemma has none."""
        softcap: Any = getattr(self.text_config(model), "final_logit_softcapping", None)
        return None if softcap is None else float(softcap)
