"""A LLaVA-shaped toy and its data: a long image prefix, short responses, random weights and tokens.

A 577-token CLIP-like tower that stays frozen and costs about 6 % of one pass of the language model; a prefix of 617
tokens; responses of 80 tokens, give or take a quarter.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import datasets
import torch
from PIL import Image
from torch import nn
from transformers import (
    AutoModelForImageTextToText,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from errata.models import EncodedImage, EncodedPrompt, EncodedResponse, LlavaAdapter, ModelSettings
from errata.models.tiny import CHAT_TEMPLATE, build_tokenizer
from errata.training import LoraSettings
from errata.training.weights.parameters import add_adapter, choose_trainable
from errata.trees import TreeSample
from place import CPU, Place

SPECIAL_TOKENS = 8
"""What the tokenizer adds to the words it is given."""
TEMPLATE_TOKENS = 5
"""What the chat template adds to a prompt's words: begin, USER, ASSISTANT and blanks."""


@dataclass(frozen=True)
class Toy:
    """Sizes of model and data. Lengths are in tokens, `image_px` and `patch_px` in pixels."""

    hidden: int = 512
    layers: int = 8
    mlp: int = 1376
    heads: int = 8
    vision_hidden: int = 128
    vision_layers: int = 6
    image_px: int = 336
    patch_px: int = 14
    prefix: int = 617
    response: int = 80
    vocabulary: int = 2048

    @property
    def image_tokens(self) -> int:
        """Tokens of an image in the prefix."""
        return (self.image_px // self.patch_px) ** 2

    def draw_length(self, chance: random.Random) -> int:
        """A response's length: 80, give or take a quarter."""
        return round(self.response * chance.uniform(0.75, 1.25))


QUICK = Toy(32, 2, 64, 2, vision_hidden=16, vision_layers=1, image_px=56, prefix=30, response=8, vocabulary=256)


def build_processor(toy: Toy) -> LlavaProcessor:
    """A processor with one token per word `w0`, `w1`, ..."""
    side = {"height": toy.image_px, "width": toy.image_px}
    return LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size=side, crop_size=side, do_center_crop=False),
        tokenizer=build_tokenizer([f"w{i}" for i in range(toy.vocabulary - SPECIAL_TOKENS)]),
        patch_size=toy.patch_px,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
    )


def build_model(toy: Toy, place: Place = CPU) -> LlavaForConditionalGeneration:
    """The model with its tower and projector frozen; the same weights every time on the same kind of device."""
    text = LlamaConfig(
        vocab_size=toy.vocabulary,
        hidden_size=toy.hidden,
        intermediate_size=toy.mlp,
        num_hidden_layers=toy.layers,
        num_attention_heads=toy.heads,
        max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    vision = CLIPVisionConfig(
        hidden_size=toy.vision_hidden,
        intermediate_size=4 * toy.vision_hidden,
        num_hidden_layers=toy.vision_layers,
        num_attention_heads=2,
        image_size=toy.image_px,
        patch_size=toy.patch_px,
    )
    config = LlavaConfig(text_config=text, vision_config=vision, image_token_id=4, image_seq_length=toy.image_tokens)
    torch.manual_seed(0)
    with torch.device(place.device):
        model = AutoModelForImageTextToText.from_config(config, dtype=place.dtype)
    choose_trainable(model, vision=False, projector=False)
    return model


def build_policy(toy: Toy, *, lora: bool, place: Place = CPU) -> nn.Module:
    """`build_model`, moved away from the reference, which is the same model unmoved (or without its adapters)."""
    model: nn.Module = build_model(toy, place)
    if lora:
        model = add_adapter(model, build_lora())
    move_policy(model, lora=lora)
    return model.train()


def build_lora() -> Any:
    """Adapters of rank 16 on every projection of the language model."""
    return LoraSettings(r=16).build()


def move_policy(model: nn.Module, *, lora: bool) -> None:
    """Draw both halves of the adapters, or else move the matrices that learn, the same way every time."""
    device = trainable(model)[0].device
    chance = torch.Generator(device).manual_seed(1)
    with torch.no_grad():
        for parameter in trainable(model):
            if parameter.dim() == 2:
                noise = 0.01 * torch.randn(parameter.shape, generator=chance, device=device, dtype=parameter.dtype)
                parameter.copy_(noise if lora else parameter + noise)


def build_adapter(toy: Toy, model: nn.Module) -> LlavaAdapter:
    """The adapter that Errata uses for LLaVA."""
    return LlavaAdapter(build_processor(toy), model.config, ModelSettings("toy"))


def build_samples(toy: Toy, count: int, responses: int) -> list[TreeSample]:
    """Random samples with an image each; level = place of the response."""
    return [_build_sample(toy, number, responses) for number in range(count)]


def _build_sample(toy: Toy, number: int, responses: int) -> TreeSample:
    chance = random.Random(number)
    noise = torch.randn(3, toy.image_px, toy.image_px, generator=torch.Generator().manual_seed(number))
    image = EncodedImage(noise, toy.image_tokens, name=f"toy {number}")
    words = _draw(chance, toy, toy.prefix - toy.image_tokens - 1)
    prompt = EncodedPrompt([1, *[4] * toy.image_tokens, *words], (image,), "", ())
    encoded = tuple(_respond(_draw(chance, toy, toy.draw_length(chance))) for _ in range(responses))
    return TreeSample(f"toy {number}", prompt, encoded, tuple(range(responses)))


def _respond(ids: list[int]) -> EncodedResponse:
    return EncodedResponse(ids, [True] * len(ids), [0] * len(ids), [(-1, -1)] * len(ids))


def _draw(chance: random.Random, toy: Toy, count: int) -> list[int]:
    """Tokens that are words."""
    return [chance.randrange(SPECIAL_TOKENS, toy.vocabulary) for _ in range(count)]


def build_rows(toy: Toy, count: int) -> datasets.Dataset:
    """Rows as TRL reads them: images, prompt, chosen, rejected. Noise images, random words, the toy's lengths."""
    return datasets.Dataset.from_list([_build_row(toy, number) for number in range(count)])


def _build_row(toy: Toy, number: int) -> dict[str, Any]:
    chance = random.Random(number)
    noise = chance.randbytes(3 * toy.image_px**2)
    image = Image.frombytes("RGB", (toy.image_px, toy.image_px), noise)
    prompt = _write(chance, toy, toy.prefix - toy.image_tokens - TEMPLATE_TOKENS)
    chosen, rejected = (_write(chance, toy, toy.draw_length(chance)) for _ in range(2))
    return {
        "images": [image],
        "prompt": [{"role": "user", "content": prompt}],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }


def _write(chance: random.Random, toy: Toy, count: int) -> str:
    return " ".join(f"w{chance.randrange(toy.vocabulary - SPECIAL_TOKENS)}" for _ in range(count))


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that learn."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]
