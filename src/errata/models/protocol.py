"""What every model family offers the rest of the house: encode a conversation, run a row, hand over the output head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import torch
from PIL import Image
from torch import Tensor, nn

from errata.images import ImageMode, check_limits
from errata.models.encoded import EncodedImage, EncodedPrompt, EncodedResponse
from errata.records import Turn


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model, and how it is run and prompted.

    Args:
        name: A folder (model or PEFT adapter) or a Hub name.
        dtype: "auto" (float32 on a CPU, bfloat16 elsewhere), "float32", "bfloat16" or "float16".
        device: "auto" (the first GPU if there is one), or a torch device.
        revision: Branch, tag or commit on the Hub.
        template: "auto" (the processor's chat template; if it has none, the one that PaliGemma, or a LLaVA on Vicuna,
            was trained with), "vicuna" (LLaVA-1.5), "muffin" (RLHF-V's release), or Jinja text.
        system_prompt: Put first in every conversation that has no system turn of its own.
        thinking: Whether the model is to think before it answers, for templates that ask (`enable_thinking`); None
            leaves it to the template.
        image_mode: "processor" resizes and crops as the processor says; "pad" pads to a square first (LLaVA-1.5's
            evaluation), so that nothing is cropped away.
        max_pixels: Width times height of a picture that the model sees; larger ones are made smaller in their own
            proportions, and take fewer tokens. None leaves it to the model's processor, as for the next two.
        min_pixels: The least; smaller ones are enlarged.
        max_tiles: Tiles that a picture is cut into, the small copy of the whole not counted.

    Raises:
        ConfigError: A limit below 1, or `min_pixels` above `max_pixels`.
    """

    name: str
    dtype: str = "auto"
    device: str = "auto"
    revision: str | None = None
    template: str = "auto"
    system_prompt: str | None = None
    thinking: bool | None = None
    image_mode: ImageMode = "processor"
    max_pixels: int | None = None
    min_pixels: int | None = None
    max_tiles: int | None = None

    def __post_init__(self) -> None:
        check_limits("model", self)


class RowInputs(Protocol):
    """What a forward pass needs of a row; `errata.trees.TreeRow` is one.

    `images` are the row's distinct images, and `image_index` says for every image slot of the row which of them stands
    there; `layout` is what the attention reads.
    """

    @property
    def input_ids(self) -> Tensor:
        """`[1, S]`."""

    @property
    def position_ids(self) -> Tensor:
        """`[1, S]`, or `[channels, 1, S]`."""

    @property
    def images(self) -> tuple[EncodedImage, ...]:
        """Each distinct image once."""

    @property
    def image_index(self) -> list[int]:
        """The number of an image in `images` per image slot."""

    @property
    def layout(self) -> Any:
        """What the attention reads; None for an ordinary sequence."""

    @property
    def prefix_length(self) -> int:
        """Tokens before the first response of an ordinary sequence."""


class Adapter(Protocol):
    """One model family behind one face. Everything that is particular to a family is behind these names."""

    pad_token_id: int
    eos_token_ids: tuple[int, ...]
    settings: ModelSettings
    several_differ: ClassVar[bool]
    """True where an image of several in one prompt is encoded otherwise than one that stands alone."""
    limits: ClassVar[tuple[str, ...]]
    """Of `LIMITS`, the settings that the family can keep to."""

    @property
    def max_positions(self) -> int | None:
        """Places that the language model can number; None where it does not say."""

    def encode_image(self, image: Image.Image) -> EncodedImage:
        """Pixels as the vision tower wants them, and how many features they give, of a prompt's only image.

        Raises DataError for an image that the model's processor cannot take.
        """

    def encode_one_of_several(self, image: Image.Image) -> EncodedImage:
        """The same for an image whose prompt shows others too."""

    def encode_prompt(self, prompt: Sequence[Turn], images: Sequence[Image.Image | EncodedImage]) -> EncodedPrompt:
        """Tokens up to where the assistant begins. Images are encoded, or taken as they are if they already were."""

    def encode_response(self, prompt: EncodedPrompt, turns: Sequence[Turn]) -> EncodedResponse:
        """Tokens of the assistant's turns (and the user's in between) after the prompt."""

    def has_token(self, text: str) -> bool:
        """Whether a text is one token of the model's own, and so no words to it."""

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of generated tokens, without special tokens and surrounding blanks."""

    def forward_hidden(self, model: nn.Module, row: RowInputs) -> Tensor:
        """Last hidden states `[1, S, H]` of a row, or `[1, T, H]` of its scored positions alone."""

    def image_features(self, model: nn.Module, images: Sequence[EncodedImage]) -> list[Tensor]:
        """What the language model sees of each image, `[tokens, width]` per image, on the images' device."""

    def feature_inputs(self, features: list[Tensor]) -> dict[str, Any]:
        """Arguments of the model's forward or generate that stand for images already encoded, one per image slot."""

    def mask_inputs(self, input_ids: Tensor, prefix: int) -> dict[str, Tensor]:
        """Arguments from which the model itself makes the mask of ordinary sequences `[B, L]`, where it is not the
        causal one; `prefix` tokens of each, padding included, stand before its response."""

    def output_head(self, model: nn.Module) -> nn.Linear:
        """The layer from hidden states to vocabulary."""

    def logit_softcap(self, model: nn.Module) -> float | None:
        """c where the model's logits are c tanh(x / c) of what the head gives; else None."""

    def text_config(self, model: nn.Module) -> Any:
        """The configuration of the language model, where the attention implementation is named."""

    def describe(self) -> dict[str, Any]:
        """Whatever else than weights changes what the same record reads like: template, processor, tokenizer, settings
        of the vision tower; JSON values."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model with everything needed to run it, and what else lay beside it for its processor, by file name."""

    model: Any
    processor: Any
    adapter: Adapter
    name: str
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def device(self) -> torch.device:
        """Where the model's weights are."""
        device: torch.device = next(self.model.parameters()).device
        return device
