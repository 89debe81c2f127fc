"""Tiny LLaVAs of the real architecture for the synthetic world: a word-level tokenizer, a CLIP processor, a config."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

IMAGE_PX, PATCH_PX = 48, 16
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ 'USER:' }}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ ' <image>' }}{% else %}{{ ' ' + part['text'] }}{% endif %}{% endfor %}"
    "{{ ' ' }}{% else %}{{ 'ASSISTANT:' }}{% for part in message['content'] %}{{ ' ' + part['text'] }}{% endfor %}"
    "{{ '</s>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)


@dataclass(frozen=True, slots=True)
class TinySize:
    """Widths and depths of a base. The vision tower is the same for all."""

    hidden: int
    layers: int
    heads: int
    mlp: int


SIZES = {
    "small": TinySize(hidden=64, layers=2, heads=4, mlp=128),
    "medium": TinySize(hidden=96, layers=3, heads=4, mlp=192),
    "large": TinySize(hidden=128, layers=4, heads=4, mlp=320),
}


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one CPU thread: operations on models this small are short, and threads that wait for one another on
    a busy core cost ten times what they save."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def build_tokenizer(words: list[str]) -> PreTrainedTokenizerFast:
    """One token per word and mark; a word carries the blank before it, so that decoding restores the text."""
    marks = [word for word in words if not word[0].isalnum()]
    spoken = ["<pad>", "<s>", "</s>", "<unk>", "<image>", "USER:", "ASSISTANT:", *marks]
    spoken += ["▁" + word for word in words if word[0].isalnum()]
    spoken += ["▁"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(spoken)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"[.:,?]"), "isolated"),
            pre_tokenizers.Metaspace(prepend_scheme="never"),
        ]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="never")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=["<image>", "USER:", "ASSISTANT:"],
    )


def build_processor(words: list[str]) -> LlavaProcessor:
    """The processor of a tiny base: 48-pixel images, 9 image tokens."""
    side = {"height": IMAGE_PX, "width": IMAGE_PX}
    image_processor = CLIPImageProcessorPil(
        size=side, crop_size=side, image_mean=[0.5] * 3, image_std=[0.5] * 3, do_center_crop=False
    )
    return LlavaProcessor(
        image_processor=image_processor,
        tokenizer=build_tokenizer(words),
        patch_size=PATCH_PX,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
    )


def build_tiny_llava(size: TinySize, tokenizer: PreTrainedTokenizerFast) -> LlavaForConditionalGeneration:
    """A LLaVA-1.5 of half a million parameters with random weights: CLIP tower, two-layer projector, LLaMA."""
    vision = CLIPVisionConfig(
        hidden_size=96,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=IMAGE_PX,
        patch_size=PATCH_PX,
        projection_dim=96,
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.hidden,
        intermediate_size=size.mlp,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        initializer_range=0.06,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(IMAGE_PX // PATCH_PX) ** 2,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
    )
    return LlavaForConditionalGeneration(config)
