"""What all families share: templates, tokens with their images, and one forward pass over a row."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

import torch
import transformers
from PIL import Image
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.utils import logging

from errata.errors import ModelError
from errata.images import LIMITS, show_object
from errata.models.encoded import Block, EncodedImage, EncodedPrompt, EncodedResponse
from errata.models.encoding import ChatEncoder
from errata.models.families.limits import find_max_positions, read_image, require_honoured, tokenising
from errata.models.protocol import ModelSettings, RowInputs
from errata.models.rounds import ImageText
from errata.models.templates import NAMED, Template, advise, find_source, is_vicuna
from errata.records import Turn

logger = logging.get_logger(__name__)


class FamilyAdapter(ABC):
    """The part of the `Adapter` protocol that does not differ; a family says how images become features.

    Args:
        processor: Has an `image_processor` and a fast `tokenizer`.
        config: The model's configuration, for what old processors do not say themselves.
        settings: Template, system prompt, thoughts and image mode.
        stops: Tokens that end a turn by the model's `generation_config`.
    """

    architecture: ClassVar[str]
    """The model class of transformers."""
    whole_processor: ClassVar[bool] = True
    """False where the family's processor class needs torchvision, for videos: its parts are loaded one by one."""
    image_modes: ClassVar[tuple[str, ...]] = ("processor",)
    several_differ: ClassVar[bool] = False
    """True where an image of several in one prompt is encoded otherwise than one that stands alone."""
    image_marker: ClassVar[str] = "image_token_id"
    """The configuration's name of the token that a template writes for an image."""
    limits: ClassVar[tuple[str, ...]] = ()
    """Of `protocol.LIMITS`, the settings that the family can keep to; a tower of one size keeps to none."""
    first_position: ClassVar[int] = 0
    """What the family's own forward pass numbers the first token."""

    def __init__(self, processor: Any, config: Any, settings: ModelSettings, stops: Sequence[int] = ()) -> None:
        self._processor, self._config, self.settings = processor, config, settings
        self._tokenizer = processor.tokenizer
        self._image_token_id = self._find_image_token()
        self._check_image_mode()
        self._set_limits()
        image_token = self._tokenizer.convert_ids_to_tokens(self._image_token_id)
        image = ImageText(self._find_marker(), self._write_image(), image_token)
        way_out = "; model.template=vicuna is what LLaVA-1.5 was trained with" if self._may_be_vicuna() else ""
        template = self._build_template()
        self._chat = ChatEncoder(self._tokenizer, template, image, settings.system_prompt, stops, way_out)
        self.eos_token_ids = self._find_eos_ids()
        pad = self._tokenizer.pad_token_id
        self.pad_token_id = self.eos_token_ids[0] if pad is None else int(pad)

    @classmethod
    def find_class(cls, config: Any) -> Any:  # noqa: ARG003 - the generic adapter asks it
        """The model class of a configuration."""
        return getattr(transformers, cls.architecture)

    def _find_image_token(self) -> int:
        """The token that is repeated once per feature of an image."""
        return int(self._config.image_token_id)

    def _find_marker(self) -> str:
        """What the template writes for an image."""
        return cast(str, self._tokenizer.convert_ids_to_tokens(int(getattr(self._config, self.image_marker))))

    def _check_image_mode(self) -> None:
        if self.settings.image_mode not in self.image_modes:
            raise ModelError(
                "model.image_mode",
                expected=" or ".join(map(repr, self.image_modes)) + f" for {self.architecture}",
                found=repr(self.settings.image_mode),
                fix="leave it out",
                code="image-mode",
            )

    @classmethod
    def check_limits(cls, settings: ModelSettings) -> None:
        """Raise ModelError for a limit on pictures that the family cannot keep to."""
        require_honoured(settings, cls.limits, cls.architecture)

    def _set_limits(self) -> None:
        """Tell the image processor the limits that it has settings for; what is saved beside the model has them too."""
        self.check_limits(self.settings)

    def _limit(self, image: Image.Image) -> Image.Image:
        """The picture within the limits that the image processor has no settings for."""
        return image

    @property
    def max_positions(self) -> int | None:
        """Places that the language model can number, a stretched rotary embedding counted; None if it does not say."""
        return find_max_positions(self._config.get_text_config(decoder=True))

    def _build_template(self) -> Template:
        own = getattr(self._processor, "chat_template", None) or self._tokenizer.chat_template
        source = find_source(self.settings, own or self._find_plain_template())
        if own and self.settings.template in NAMED and not self._is_vicuna():
            logger.warning_once(
                f"{self.settings.name}: asked by the template {self.settings.template!r}, not by the model's own; "
                "model.template=auto model.system_prompt=null keeps that"
            )
        names, thinking = self._tokenizer.special_tokens_map, self.settings.thinking
        template = Template(source, names, thinking=thinking, fix=advise(self.settings, own))
        if thinking is not None and not template.can_switch_thoughts:
            raise ModelError(
                "model.thinking",
                expected="nothing: the model's template does not ask whether to think (enable_thinking)",
                found=str(thinking).lower(),
                fix="leave it out",
            )
        return template

    def _may_be_vicuna(self) -> bool:
        """Whether the template that it was trained with is one that can be named."""
        return self.settings.template == "auto" and self._is_vicuna()

    def _is_vicuna(self) -> bool:
        text = getattr(self._config, "text_config", None)
        return text is not None and is_vicuna(text, self._tokenizer)

    def _find_plain_template(self) -> str | None:
        """The template of a checkpoint that comes without one; None where it cannot be told."""
        return None

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

    def encode_image(self, image: Image.Image) -> EncodedImage:
        """Pixels as the vision tower wants them, and how many features they give.

        Raises:
            DataError: An image that the processor cannot take.
        """
        return self._read(self._read_image, image)

    def encode_one_of_several(self, image: Image.Image) -> EncodedImage:
        """As `encode_image`, for an image whose prompt shows others too."""
        return self._read(self._read_one_of_several, image)

    def _read(self, read: Callable[[Image.Image], EncodedImage], image: Image.Image) -> EncodedImage:
        return read_image(lambda shown: read(self._limit(shown)), show_object(image, "image"))

    @abstractmethod
    def _read_image(self, image: Image.Image) -> EncodedImage:
        """What the image processor makes of an RGB image; whatever it raises is the image's fault."""

    def _read_one_of_several(self, image: Image.Image) -> EncodedImage:
        return self._read_image(image)

    @abstractmethod
    def image_features(self, model: nn.Module, images: Sequence[EncodedImage]) -> list[Tensor]:
        """What the language model sees of each image, `[tokens, width]` per image."""

    def encode_prompt(self, prompt: Sequence[Turn], images: Sequence[Image.Image | EncodedImage]) -> EncodedPrompt:
        """Tokens up to where the assistant begins, each image token repeated once per feature.

        Raises:
            DataError: A text holds a special token, or cannot be tokenised; an image that the processor cannot take.
            ModelError: The template does not place every image once.
        """
        encode = self.encode_image if len(images) == 1 else self.encode_one_of_several
        encoded = tuple(image if isinstance(image, EncodedImage) else encode(image) for image in images)
        with tokenising("prompt"):
            turns, text, ids = self._chat.encode_prompt(tuple(prompt), len(encoded))
        waiting = iter(encoded)
        expanded: list[int] = []
        images_end = 0
        for token in ids:
            is_image = token == self._image_token_id
            expanded.extend(self._place_image(next(waiting)) if is_image else (token,))
            images_end = len(expanded) if is_image else images_end
        positions = self._number_tokens(expanded, encoded)
        return EncodedPrompt(expanded, encoded, text, turns, positions, self._find_blocks(expanded), images_end)

    def _write_image(self) -> str:
        """The text of one image, its token once."""
        return cast(str, self._tokenizer.convert_ids_to_tokens(self._image_token_id))

    def _place_image(self, image: EncodedImage) -> list[int]:
        """The tokens that stand for one image."""
        return [self._image_token_id] * image.n_tokens

    def _number_tokens(self, input_ids: list[int], images: Sequence[EncodedImage]) -> Tensor | None:  # noqa: ARG002
        """Positions `[channels, P]` where they are not 0, 1, 2, …"""
        return None

    def _find_blocks(self, input_ids: Sequence[int]) -> tuple[Block, ...]:  # noqa: ARG002
        """Where a prompt's tokens see later ones too; nowhere in most families."""
        return ()

    def encode_response(self, prompt: EncodedPrompt, turns: Sequence[Turn]) -> EncodedResponse:
        """Tokens of the assistant's turns after the prompt; see `ChatEncoder.encode_response`."""
        with tokenising("response"):
            return self._chat.encode_response(prompt, tuple(turns))

    def has_token(self, text: str) -> bool:
        """Whether a text is one token of the tokenizer's."""
        token = self._tokenizer.convert_tokens_to_ids(
            text
        )  # of a text that is none, that of the unknown token, or None
        return token is not None and self._tokenizer.convert_ids_to_tokens(token) == text

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of generated tokens, without special tokens and surrounding blanks."""
        return cast(str, self._tokenizer.decode(token_ids, skip_special_tokens=True)).strip()

    def forward_hidden(self, model: nn.Module, row: RowInputs) -> Tensor:
        """Last hidden states `[1, S, H]`, or `[1, T, H]` of the scored positions where the last layer keeps to them.

        The vision tower sees each distinct image of the row once.
        """
        positions = row.position_ids + self.first_position if self.first_position else row.position_ids
        inputs: dict[str, Any] = {"input_ids": row.input_ids, "position_ids": positions, "use_cache": False}
        if row.layout is None:
            inputs |= self.mask_inputs(row.input_ids, row.prefix_length)
        else:
            # A mask that is already 4-D is passed on as it is: no mask that grows with the row is built.
            inputs["attention_mask"] = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=row.input_ids.device)
            inputs["tree"] = row.layout
        if row.images:
            features = self._gather_features(model, row.images)
            inputs |= self.feature_inputs([features[i] for i in row.image_index])
        return self._run(model, inputs)

    def _run(self, model: nn.Module, inputs: dict[str, Any]) -> Tensor:
        """Last hidden states `[1, S, H]` of a forward pass with these arguments."""
        if _is_wrapped(model):
            # DistributedDataParallel and its like must see the forward pass to synchronise gradients.
            output = model(**inputs, output_hidden_states=True, logits_to_keep=torch.zeros(1, dtype=torch.long))
            return cast(Tensor, output.hidden_states[-1])
        return cast(Tensor, self.find_model(model).base_model(**inputs).last_hidden_state)

    def _gather_features(self, model: nn.Module, images: Sequence[EncodedImage]) -> list[Tensor]:
        """Features of every image; the tower runs for those that have none yet."""
        missing = [image for image in images if image.features is None]
        computed = iter(self.image_features(model, missing) if missing else ())
        return [next(computed) if image.features is None else image.features for image in images]

    def mask_inputs(self, input_ids: Tensor, prefix: int) -> dict[str, Tensor]:  # noqa: ARG002
        """Arguments from which the model makes a mask other than the causal one; see the `Adapter` protocol."""
        return {}

    def feature_inputs(self, features: list[Tensor]) -> dict[str, Any]:
        """Arguments that give the model image features, one per image slot, in place of pixels."""
        return {"mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=features)}}

    def output_head(self, model: nn.Module) -> nn.Linear:
        """The layer from hidden states to vocabulary."""
        return cast(nn.Linear, self.find_model(model).lm_head)

    def logit_softcap(self, model: nn.Module) -> float | None:  # noqa: ARG002
        """What bounds the logits; nothing in most families."""
        return None

    def text_config(self, model: nn.Module) -> Any:
        """The language model's configuration."""
        return self.find_model(model).config.text_config

    def find_model(self, model: nn.Module) -> Any:
        """The family's model inside PEFT and data-parallel wrappers. Raises ModelError if there is none."""
        for module in model.modules():
            if type(module).__name__ == self.architecture:
                return module
        raise ModelError(
            type(model).__name__,
            expected=f"a {self.architecture}",
            found="none inside this model",
            fix="load the model with load_model",
        )

    def describe(self) -> dict[str, Any]:
        """Template, tokenizer, image processing and vision tower as JSON values; equal when a record reads equally."""
        vision = self._config.vision_config.to_diff_dict()
        return {
            "vision": {name: value for name, value in vision.items() if name not in ("dtype", "transformers_version")},
            "vision_feature_layer": getattr(self._config, "vision_feature_layer", None),
            "vision_feature_select_strategy": getattr(self._config, "vision_feature_select_strategy", None),
            **self._describe_encoding(),
        }

    def _describe_encoding(self) -> dict[str, Any]:
        """Template, tokenizer and image processing."""
        tokenizer = self._tokenizer.backend_tokenizer.to_str()
        return {
            "template": self._chat.template.source,
            "system_prompt": self.settings.system_prompt,
            "thinking": self.settings.thinking,
            "image_mode": self.settings.image_mode,
            **{name: getattr(self.settings, name) for name in LIMITS if getattr(self.settings, name) is not None},
            "image_processor": self._processor.image_processor.to_dict(),
            "tokenizer": hashlib.sha256(tokenizer.encode()).hexdigest(),
        }


def _is_wrapped(model: nn.Module) -> bool:
    return isinstance(getattr(model, "module", None), nn.Module)
