"""LLaVA-1.5: a CLIP-like tower, a projector and a Llama- or Mistral-like language model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, cast

import torch
from PIL import Image
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from errata.errors import ModelError
from errata.models.encoding import ChatEncoder
from errata.models.protocol import EncodedPrompt, EncodedResponse, ModelSettings, RowInputs
from errata.models.templates import VICUNA, Template
from errata.records import Turn


class LlavaAdapter:
    """Encode and run `LlavaForConditionalGeneration` (see the `Adapter` protocol).

    Args:
        processor: A `LlavaProcessor`.
        config: The model's configuration, for what old processors do not say themselves.
        settings: Template, system prompt and image mode.
    """

    def __init__(self, processor: Any, config: Any, settings: ModelSettings) -> None:
        self._processor, self._config, self._settings = processor, config, settings
        self._tokenizer = processor.tokenizer
        self._image_token_id = int(config.image_token_id)
        image_token = self._tokenizer.convert_ids_to_tokens(self._image_token_id)
        self._chat = ChatEncoder(self._tokenizer, self._build_template(), image_token, settings.system_prompt)
        self.eos_token_ids = self._find_eos_ids()
        pad = self._tokenizer.pad_token_id
        self.pad_token_id = self.eos_token_ids[0] if pad is None else int(pad)

    def _build_template(self) -> Template:
        source = self._settings.template
        if source == "auto":
            source = getattr(self._processor, "chat_template", None) or self._tokenizer.chat_template or VICUNA
        elif source == "vicuna":
            source = VICUNA
        elif "{" not in source:
            raise ModelError(
                "model.template",
                expected="'auto', 'vicuna' or Jinja text",
                found=repr(source),
                fix="choose one of them",
            )
        return Template(source, self._tokenizer.special_tokens_map)

    def _find_eos_ids(self) -> tuple[int, ...]:
        stated = self._tokenizer.eos_token_id
        if stated is None:
            raise ModelError(
                "tokenizer",
                expected="a token that ends a turn",
                found="no eos_token",
                fix="set eos_token in tokenizer_config.json",
            )
        return tuple(dict.fromkeys([int(stated), *self._chat.find_turn_ends()]))

    def encode_image(self, image: Image.Image) -> Tensor:
        """Pixels `[3, height, width]`, float32."""
        if self._settings.image_mode == "pad":
            image = _pad_to_square(image, self._processor.image_processor.image_mean)
        encoded = self._processor.image_processor(images=[image], return_tensors="pt")
        return cast(Tensor, encoded["pixel_values"][0])

    def encode_prompt(self, prompt: Sequence[Turn], images: Sequence[Image.Image | Tensor]) -> EncodedPrompt:
        """Tokens up to where the assistant begins, each image token repeated once per feature.

        Raises:
            DataError: A text holds a special token.
            ModelError: The template does not place every image once.
        """
        pixels = tuple(image if isinstance(image, Tensor) else self.encode_image(image) for image in images)
        turns, text, ids = self._chat.encode_prompt(tuple(prompt), len(pixels))
        lengths = iter([self.count_image_tokens(item) for item in pixels])
        expanded: list[int] = []
        for token in ids:
            expanded.extend([token] * next(lengths) if token == self._image_token_id else (token,))
        return EncodedPrompt(expanded, pixels, text, turns)

    def encode_response(self, prompt: EncodedPrompt, turns: Sequence[Turn]) -> EncodedResponse:
        """Tokens of the assistant's turns after the prompt; see `ChatEncoder.encode_response`."""
        return self._chat.encode_response(prompt, tuple(turns))

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of generated tokens, without special tokens and surrounding blanks."""
        return cast(str, self._tokenizer.decode(token_ids, skip_special_tokens=True)).strip()

    def count_image_tokens(self, pixels: Tensor) -> int:
        """How many features the vision tower gives for one image `[3, height, width]`."""
        patch = self._processor.patch_size or self._config.vision_config.patch_size
        strategy = self._processor.vision_feature_select_strategy or self._config.vision_feature_select_strategy
        extra = self._processor.num_additional_image_tokens or int(
            self._config.vision_config.model_type == "clip_vision_model"
        )
        count = (pixels.shape[-2] // patch) * (pixels.shape[-1] // patch) + extra
        return int(count) - int(strategy == "default")

    def forward_hidden(self, model: nn.Module, row: RowInputs) -> Tensor:
        """Last hidden states `[1, S, H]`; the vision tower sees each distinct image of the row once."""
        inputs: dict[str, Any] = {"input_ids": row.input_ids, "position_ids": row.position_ids, "use_cache": False}
        if row.layout is not None:
            # A mask that is already 4-D is passed on as it is: no mask that grows with the row is built.
            inputs["attention_mask"] = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=row.input_ids.device)
            inputs["tree"] = row.layout
        if row.pixel_values is not None:
            features = self.image_features(model, row.pixel_values)
            inputs |= self.feature_inputs([features[i] for i in row.image_index])
        if _is_wrapped(model):
            # DistributedDataParallel and its like must see the forward pass to synchronise gradients.
            output = model(**inputs, output_hidden_states=True, logits_to_keep=torch.zeros(1, dtype=torch.long))
            return cast(Tensor, output.hidden_states[-1])
        return cast(Tensor, find_llava(model).model(**inputs).last_hidden_state)

    def image_features(self, model: nn.Module, pixel_values: Tensor) -> list[Tensor]:
        """Projected features `[tokens, H]` of each image in `[n, 3, height, width]`."""
        inner = find_llava(model).model
        output = inner.get_image_features(pixel_values=pixel_values.to(inner.vision_tower.dtype))
        return list(output.pooler_output)

    def feature_inputs(self, features: list[Tensor]) -> dict[str, Any]:
        """Arguments that give the model image features, one per image slot, in place of pixels."""
        return {"mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=features)}}

    def output_head(self, model: nn.Module) -> nn.Linear:
        """The layer from hidden states to vocabulary."""
        return cast(nn.Linear, find_llava(model).lm_head)

    def text_config(self, model: nn.Module) -> Any:
        """The language model's configuration."""
        return find_llava(model).config.text_config

    def describe(self) -> dict[str, Any]:
        """Template, tokenizer, image processing and vision tower as JSON values; equal when a record reads equally."""
        tokenizer = self._tokenizer.backend_tokenizer.to_str()
        vision = self._config.vision_config.to_diff_dict()
        return {
            "vision": {name: value for name, value in vision.items() if name not in ("dtype", "transformers_version")},
            "vision_feature_layer": self._config.vision_feature_layer,
            "vision_feature_select_strategy": self._config.vision_feature_select_strategy,
            "template": self._chat.template.source,
            "system_prompt": self._settings.system_prompt,
            "image_mode": self._settings.image_mode,
            "image_processor": self._processor.image_processor.to_dict(),
            "tokenizer": hashlib.sha256(tokenizer.encode()).hexdigest(),
        }


def find_llava(model: nn.Module) -> Any:
    """The LLaVA inside PEFT and data-parallel wrappers. Raises ModelError if there is none."""
    for module in model.modules():
        if type(module).__name__ == "LlavaForConditionalGeneration":
            return module
    raise ModelError(
        type(model).__name__,
        expected="a LlavaForConditionalGeneration",
        found="none inside this model",
        fix="load the model with load_model",
    )


def _is_wrapped(model: nn.Module) -> bool:
    return isinstance(getattr(model, "module", None), nn.Module)


def _pad_to_square(image: Image.Image, mean: Sequence[float]) -> Image.Image:
    if image.width == image.height:
        return image
    side = max(image.size)
    square = Image.new("RGB", (side, side), tuple(int(value * 255) for value in mean))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square
