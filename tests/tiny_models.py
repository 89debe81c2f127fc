"""A tiny random-weight LLaVA with a real processor, for tests of models, trees, generation and training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    MistralConfig,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

TEXTS = (
    "What is on the table? A red cup and a small dog sit on the wooden table.",
    "Describe the picture. The photo shows two people walking on a sunny street.",
    "USER: ASSISTANT: Is there a cat in the image? Yes, no. 猫 é — …",
)
SPECIAL = ("<unk>", "<s>", "</s>", "<pad>", "<image>")


def build_tokenizer(texts: Sequence[str] = TEXTS, *, vocab_size: int = 400) -> PreTrainedTokenizerFast:
    """A byte-level BPE trained on the texts; every string survives encoding and decoding."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        extra_special_tokens=["<image>"],
    )


def build_processor(
    tokenizer: PreTrainedTokenizerFast, *, image_px: int = 48, patch_px: int = 16, chat_template: str | None = None
) -> LlavaProcessor:
    """A LLaVA processor whose image part needs no torchvision."""
    image_processor = CLIPImageProcessorPil(
        size={"shortest_edge": image_px}, crop_size={"height": image_px, "width": image_px}
    )
    return LlavaProcessor(
        image_processor=image_processor,
        tokenizer=tokenizer,
        patch_size=patch_px,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=chat_template,
    )


def build_model(
    tokenizer: PreTrainedTokenizerFast,
    *,
    image_px: int = 48,
    patch_px: int = 16,
    text: str = "llama",
    kv_heads: int = 4,
    seed: int = 0,
    weight_std: float = 0.15,
) -> LlavaForConditionalGeneration:
    """Two layers of width 32; weights N(0, `weight_std`), so that log-probabilities are far from uniform."""
    kind = {"llama": LlamaConfig, "mistral": MistralConfig}[text]
    text_config = kind(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=kv_heads,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **({"sliding_window": None} if text == "mistral" else {}),
    )
    vision_config = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=image_px,
        patch_size=patch_px,
    )
    config = LlavaConfig(
        text_config=text_config,
        vision_config=vision_config,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_select_strategy="default",
        vision_feature_layer=-2,
    )
    torch.manual_seed(seed)
    model = LlavaForConditionalGeneration(config)
    fill_weights(model, weight_std)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model.eval()


def fill_weights(model: torch.nn.Module, weight_std: float = 0.15) -> None:
    """Set all weights but norms and biases to N(0, `weight_std`)."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, weight_std)


def save_tiny_model(folder: Path, **options: object) -> Path:
    """Write a tiny model and its processor as a folder that the Auto classes load."""
    chat_template = options.pop("chat_template", None)
    tokenizer = build_tokenizer(options.pop("texts", TEXTS), vocab_size=options.pop("vocab_size", 400))  # type: ignore[arg-type]
    build_model(tokenizer, **options).save_pretrained(folder)  # type: ignore[arg-type]
    sizes = {name: options[name] for name in ("image_px", "patch_px") if name in options}
    build_processor(tokenizer, chat_template=chat_template, **sizes).save_pretrained(folder)  # type: ignore[arg-type]
    return folder


def save_images(folder: Path, count: int, *, size_px: tuple[int, int] = (60, 48), seed: int = 0) -> list[str]:
    """Write noise images as PNG and return their names relative to the folder."""
    generator = torch.Generator().manual_seed(seed)
    names = []
    for number in range(count):
        pixels = torch.randint(0, 256, (size_px[1], size_px[0], 3), generator=generator, dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).save(folder / f"image{number}.png")
        names.append(f"image{number}.png")
    return names
