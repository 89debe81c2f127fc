"""Tiny random-weight models of real classes that have no adapter of their own, with their own processors."""

from __future__ import annotations

import torch
from transformers import (
    AyaVisionConfig,
    AyaVisionForConditionalGeneration,
    AyaVisionProcessor,
    CLIPVisionConfig,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3Processor,
    LightOnOcrConfig,
    LightOnOcrForConditionalGeneration,
    LightOnOcrProcessor,
    LlamaConfig,
    PaddleOCRVLConfig,
    PaddleOCRVLForConditionalGeneration,
    PaddleOCRVLProcessor,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    VipLlavaConfig,
    VipLlavaForConditionalGeneration,
)
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.paddleocr_vl.image_processing_pil_paddleocr_vl import PaddleOCRVLImageProcessorPil
from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

import tiny_models
from tiny_families import CHATML, TEXT, VISION
from tiny_models import fill_weights

SIDE = {"height": 16, "width": 16}


def build_unknown(name, seed=0):
    """A model of this `model_type` and its processor."""
    torch.manual_seed(seed)
    model, processor = BUILDERS[name]()
    fill_weights(model)
    return model.eval(), processor


def build_tokenizer(marker="<image>", **named):
    """The named tokens become attributes such as `image_token`; the template writes the marker for an image."""
    tokenizer = tiny_models.build_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>", *named.values()]})
    tokenizer._set_model_specific_special_tokens(named)
    tokenizer.chat_template = CHATML.replace("<image>", marker)
    return tokenizer


def build_vipllava():
    """Several layers of the tower, side by side; 48-pixel images of nine features."""
    tokenizer = build_tokenizer()
    config = VipLlavaConfig(
        vision_config=CLIPVisionConfig(**VISION, image_size=48, patch_size=16),
        text_config=LlamaConfig(**TEXT, vocab_size=len(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=[-1, -2],
    )
    processor = tiny_models.build_processor(tokenizer, chat_template=tokenizer.chat_template)
    return VipLlavaForConditionalGeneration(config), processor


def build_aya_vision(window=4096):
    """Tiles of 16 pixels, four features each, between tokens with numbers; layers with and without a window."""
    parts = ("<|START_OF_IMG|>", "<|END_OF_IMG|>", "<|IMG_PATCH|>", "TILE", "TILE_GLOBAL")
    tokenizer = build_tokenizer(**{f"part{n}": token for n, token in enumerate(parts)})
    config = AyaVisionConfig(
        vision_config={"model_type": "siglip_vision_model", **VISION, "image_size": 16, "patch_size": 4},
        text_config={
            "model_type": "cohere2",
            **TEXT,
            "vocab_size": len(tokenizer),
            "sliding_window": window,
            "layer_types": ["sliding_attention", "full_attention"],
        },
        image_token_index=tokenizer.convert_tokens_to_ids("<|IMG_PATCH|>"),
    )
    images = GotOcr2ImageProcessorPil(size=SIDE, min_patches=1, max_patches=4)
    processor = AyaVisionProcessor(
        images, tokenizer, patch_size=4, img_size=16, downsample_factor=2, chat_template=tokenizer.chat_template
    )
    return AyaVisionForConditionalGeneration(config), processor


def build_lighton_ocr():
    """Images of any size up to 32 pixels, padded to one another's."""
    named = {"image_token": "<|pad|>", "image_break_token": "<|break|>", "image_end_token": "<|end|>"}
    tokenizer = build_tokenizer("<|pad|>", **named)
    config = LightOnOcrConfig(
        vision_config={"model_type": "pixtral", **VISION, "head_dim": 8, "patch_size": 4, "image_size": 32},
        text_config={"model_type": "qwen3", **TEXT, "head_dim": 8, "vocab_size": len(tokenizer)},
        image_token_id=tokenizer.convert_tokens_to_ids("<|pad|>"),
    )
    images = PixtralImageProcessorPil(size={"longest_edge": 32}, patch_size={"height": 8, "width": 8})
    processor = LightOnOcrProcessor(
        images, tokenizer, patch_size=4, spatial_merge_size=2, chat_template=tokenizer.chat_template
    )
    return LightOnOcrForConditionalGeneration(config), processor


def build_paddleocr_vl():
    """Positions in height and width, which only the model's own numbering has."""
    tokenizer = build_tokenizer(image_token="<image>")
    config = PaddleOCRVLConfig(
        vision_config={**VISION, "patch_size": 4, "image_size": 32, "spatial_merge_size": 2},
        text_config={
            **TEXT,
            "head_dim": 8,
            "vocab_size": len(tokenizer),
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]},
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_id=len(tokenizer) - 1,
    )
    images = PaddleOCRVLImageProcessorPil(
        patch_size=4, size={"shortest_edge": 16 * 16, "longest_edge": 32 * 32}, merge_size=2
    )
    processor = PaddleOCRVLProcessor(images, tokenizer, chat_template=tokenizer.chat_template)
    return PaddleOCRVLForConditionalGeneration(config), processor


def build_gemma3():
    """The features of an image see one another in both directions."""
    named = {"image_token": "<soft>", "boi_token": "<start>", "eoi_token": "<end>"}
    tokenizer = build_tokenizer("<start>", **named)
    config = Gemma3Config(
        vision_config={"model_type": "siglip_vision_model", **VISION, "image_size": 16, "patch_size": 4},
        text_config={**TEXT, "head_dim": 8, "vocab_size": len(tokenizer), "sliding_window": 4096},
        mm_tokens_per_image=4,
        image_token_index=tokenizer.convert_tokens_to_ids("<soft>"),
        boi_token_index=tokenizer.convert_tokens_to_ids("<start>"),
        eoi_token_index=tokenizer.convert_tokens_to_ids("<end>"),
    )
    processor = Gemma3Processor(
        Gemma3ImageProcessorPil(size=SIDE), tokenizer, image_seq_length=4, chat_template=tokenizer.chat_template
    )
    # Without its blank lines, which could grow together with words: those the generic adapter refuses.
    processor.full_image_sequence = processor.full_image_sequence.strip()
    return Gemma3ForConditionalGeneration(config), processor


def build_paligemma():
    """All of a plain sequence sees all of it, the answer too."""
    tokenizer = build_tokenizer(image_token="<image>")
    config = PaliGemmaConfig(
        vision_config={"model_type": "siglip_vision_model", **VISION, "image_size": 16, "patch_size": 8},
        text_config={"model_type": "gemma", **TEXT, "head_dim": 8, "vocab_size": len(tokenizer) + 1200},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        projection_dim=32,
    )
    images = SiglipImageProcessorPil(size=SIDE)
    images.image_seq_length = 4
    processor = PaliGemmaProcessor(images, tokenizer, chat_template=tokenizer.chat_template)
    return PaliGemmaForConditionalGeneration(config), processor


BUILDERS = {
    "aya_vision": build_aya_vision,
    "gemma3": build_gemma3,
    "lighton_ocr": build_lighton_ocr,
    "paddleocr_vl": build_paddleocr_vl,
    "paligemma": build_paligemma,
    "vipllava": build_vipllava,
}
