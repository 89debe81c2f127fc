"""Tiny random-weight models of the real classes of every family but LLaVA-1.5, with their image processors."""

from __future__ import annotations

import json

import torch
from tokenizers import AddedToken
from transformers import (
    CLIPVisionConfig,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3Processor,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    InternVLConfig,
    InternVLForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextProcessor,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    MistralConfig,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3_5Config,
    Qwen3_5ForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
)
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import LlavaOnevisionImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

from errata.models import ProcessorParts
from errata.models.templates import VICUNA
from tiny_models import build_tokenizer, fill_weights

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<|vision|><image><|/vision|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ONEVISION = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + ' ' }}"
    "{% for part in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>' }}{% endfor %}"
    "{% for part in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ '\n' + part['text'] }}{% endgeneration %}"
    "{% else %}{{ '\n' + part['text'] }}{% endif %}{% endfor %}{{ '</s>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""As of the family's checkpoints: all images come first, and a whole turn has a blank that an open one lacks."""
IDEFICS = (
    "<s>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<image>' }}"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
"""As of the family's checkpoints: images touch the words, and a turn ends with a token that is not the end of text."""
GEMMA = (
    "{{ bos_token }}{% set start = namespace(text='', at=0) %}{% if messages[0]['role'] == 'system' %}"
    "{% set start.text = messages[0]['content'][0]['text'] + '\n\n' %}{% set start.at = 1 %}{% endif %}"
    "{% for message in messages[start.at:] %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\n' }}"
    "{{ start.text if loop.first else '' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<start_of_image>' }}"
    "{% else %}{{ part['text'] | trim }}{% endif %}{% endfor %}{{ '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
GEMMA_MARKS = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
"""What the family's tokenizer names; that turns have marks stands in its table of added tokens alone."""
GEMMA_TURN = ("<start_of_turn>", "<end_of_turn>")
QWEN_MARKS = ("<|vision_start|>", "<|image_pad|>", "<|vision_end|>", "<|video_pad|>")
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 3,
}
VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}

SIGLIP = {**VISION, "model_type": "siglip_vision_model", "image_size": 32, "vision_use_head": False}
WINDOW = {
    "head_dim": 8,
    "query_pre_attn_scalar": 8,
    "sliding_window": 12,
    "layer_types": ["sliding_attention", "full_attention"],
}
"""Of 12 tokens: less than an image."""


def build_family(name, seed=0):
    """A model of this `model_type` and what it is given as a processor."""
    torch.manual_seed(seed)
    model, processor = (BUILDERS | RECURRENT)[name](build_tokenizer())
    fill_weights(model)
    return model.eval(), processor


def save_family(name, folder, seed=0):
    """The same as a folder with all the files that the family's releases have."""
    model, processor = build_family(name, seed)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    for file, stated in BESIDE.get(name, {}).items():
        (folder / file).write_text(json.dumps(stated), encoding="utf-8")
    return folder


def name_tokens(tokenizer, named):
    """Give a tokenizer special tokens that become attributes of it."""
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>", *named.values()]})
    tokenizer._set_model_specific_special_tokens(named)


def build_llava_next(tokenizer):
    """Towers of 32 pixels; images take up to two tiles beside the whole."""
    tokenizer.chat_template = VICUNA
    pinpoints = [[32, 64], [64, 32], [64, 64]]
    config = LlavaNextConfig(
        vision_config=CLIPVisionConfig(**VISION, image_size=32, patch_size=8),
        text_config=MistralConfig(**TEXT, vocab_size=len(tokenizer), sliding_window=None),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=pinpoints,
    )
    side = {"height": 32, "width": 32}
    processor = LlavaNextProcessor(
        image_processor=LlavaNextImageProcessorPil(
            size={"shortest_edge": 32}, crop_size=side, image_grid_pinpoints=pinpoints
        ),
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    return LlavaNextForConditionalGeneration(config), processor


def build_llava_onevision(tokenizer):
    """Towers of 32 pixels; an image alone takes up to four tiles, of which it shows at most one and a half."""
    tokenizer.chat_template = ONEVISION
    pinpoints = [[32, 64], [64, 32], [64, 64]]
    config = LlavaOnevisionConfig(
        vision_config={**VISION, "model_type": "siglip_vision_model", "image_size": 32, "patch_size": 8}
        | {"vision_use_head": False},
        text_config={"model_type": "qwen2", **TEXT, "vocab_size": len(tokenizer)},
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_id=len(tokenizer) - 1,
        image_grid_pinpoints=pinpoints,
        vision_aspect_ratio="anyres_max_1",
    )
    images = LlavaOnevisionImageProcessorPil(size={"height": 32, "width": 32}, image_grid_pinpoints=pinpoints)
    return LlavaOnevisionForConditionalGeneration(config), ProcessorParts(images, tokenizer)


def build_idefics(model_class, config_class, image_processor_class):
    """Tiles of 16 pixels, four features each."""

    def build(tokenizer):
        tokenizer.chat_template = IDEFICS
        places = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
        tokenizer.add_tokens([AddedToken(text, normalized=False, special=True) for text in ("<global-img>", *places)])
        named = ["<fake_token_around_image>", "<image>", "<end_of_utterance>"]
        tokenizer.add_special_tokens({"additional_special_tokens": named})
        config = config_class(
            vision_config={**VISION, "image_size": 16, "patch_size": 4},
            text_config={"model_type": "llama", **TEXT, "vocab_size": len(tokenizer)},
            image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
            scale_factor=2,
        )
        images = image_processor_class(size={"longest_edge": 48}, max_image_size={"longest_edge": 16})
        return model_class(config), ProcessorParts(images, tokenizer)

    return build


def build_internvl(tokenizer):
    """Tiles of 16 pixels, four features each."""
    tokenizer.chat_template = CHATML.replace("<|vision|><image><|/vision|>", "<IMG_CONTEXT>\n")
    named = {"start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>"}
    name_tokens(tokenizer, named | {"video_token": "<video>"})
    config = InternVLConfig(
        vision_config={**VISION, "image_size": [16, 16], "patch_size": [4, 4]},
        text_config={"model_type": "qwen2", **TEXT, "vocab_size": len(tokenizer)},
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
    )
    images = GotOcr2ImageProcessorPil(size={"height": 16, "width": 16}, min_patches=1, max_patches=4)
    return InternVLForConditionalGeneration(config), ProcessorParts(images, tokenizer)


def build_paligemma(**text):
    """Pictures of 32 pixels, 16 features each; the text model is Gemma or Gemma 2."""

    def build(tokenizer):
        images = SiglipImageProcessorPil(size={"height": 32, "width": 32})
        images.image_seq_length = 16
        processor = PaliGemmaProcessor(images, tokenizer)
        config = PaliGemmaConfig(
            vision_config={**SIGLIP, "patch_size": 8},
            text_config={**TEXT, "head_dim": 8, "vocab_size": len(tokenizer), **text},
            image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
            projection_dim=32,
            hidden_size=32,
            tie_word_embeddings=False,  # a tied random model says its last word again
        )
        return PaliGemmaForConditionalGeneration(config), processor

    return build


def build_gemma3(tokenizer):
    """Pictures of 32 pixels, 64 patches pooled to 16 features each; one layer of two has a window."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        extra_special_tokens=GEMMA_MARKS,
        chat_template=GEMMA,
    )
    tokenizer.add_tokens([AddedToken(text, normalized=False, special=True) for text in GEMMA_TURN])
    images = Gemma3ImageProcessorPil(size={"height": 32, "width": 32}, do_pan_and_scan=None)
    processor = Gemma3Processor(images, tokenizer, chat_template=GEMMA, image_seq_length=16)
    marks = ("boi_token", "eoi_token", "image_token")
    config = Gemma3Config(
        vision_config={**SIGLIP, "patch_size": 4},
        text_config={**TEXT, **WINDOW, "vocab_size": len(tokenizer)},
        mm_tokens_per_image=16,
        tie_word_embeddings=False,  # see build_paligemma
        **{f"{mark}_index": tokenizer.convert_tokens_to_ids(GEMMA_MARKS[mark]) for mark in marks},
    )
    model = Gemma3ForConditionalGeneration(config)
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<end_of_turn>")]
    return model, processor


def build_qwen(model_class, config_class, vision, **text):
    """Patches of 4 pixels, two by two to a feature."""

    def build(tokenizer):
        tokenizer.chat_template = CHATML.replace("<|vision|><image><|/vision|>", "".join(QWEN_MARKS[:3]))
        tokenizer.add_special_tokens({"additional_special_tokens": ["<image>", *QWEN_MARKS]})
        config = config_class(
            vision_config={"depth": 2, "num_heads": 4, "patch_size": 4, **vision},
            text_config={
                **TEXT,
                "vocab_size": len(tokenizer),
                "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]},
                **text,
            },
            image_token_id=tokenizer.convert_tokens_to_ids("<|image_pad|>"),
            video_token_id=tokenizer.convert_tokens_to_ids("<|video_pad|>"),
        )
        images = Qwen2VLImageProcessorPil(
            patch_size=4, size={"shortest_edge": 16 * 16, "longest_edge": 48 * 48}, merge_size=2
        )
        return model_class(config), ProcessorParts(images, tokenizer)

    return build


_VIDEOS = {"video_preprocessor_config.json": {"do_sample_frames": False}}
BESIDE = {
    "idefics3": {"processor_config.json": {"image_seq_len": 4, "processor_class": "Idefics3Processor"}},
    "smolvlm": {"processor_config.json": {"image_seq_len": 4, "processor_class": "SmolVLMProcessor"}} | _VIDEOS,
    "internvl": {"processor_config.json": {"image_seq_length": 4, "processor_class": "InternVLProcessor"}} | _VIDEOS,
    "llava_onevision": {
        "processor_config.json": {
            "image_token": "<image>",
            "num_image_tokens": 16,
            "processor_class": "LlavaOnevisionProcessor",
            "video_token": "<video>",
            "vision_aspect_ratio": "anyres_max_1",
            "vision_feature_select_strategy": "full",
        }
    }
    | _VIDEOS,
    "qwen2_vl": {"special_tokens_map.json": {"eos_token": "</s>", "pad_token": "<pad>"}},
}
"""What lies beside the files that our parts of a processor write."""

BUILDERS = {
    "gemma3": build_gemma3,
    "internvl": build_internvl,
    "llava_next": build_llava_next,
    "llava_onevision": build_llava_onevision,
    "idefics3": build_idefics(Idefics3ForConditionalGeneration, Idefics3Config, Idefics3ImageProcessorPil),
    "smolvlm": build_idefics(SmolVLMForConditionalGeneration, SmolVLMConfig, SmolVLMImageProcessorPil),
    "paligemma": build_paligemma(model_type="gemma"),
    "paligemma2": build_paligemma(
        model_type="gemma2", **WINDOW, attn_logit_softcapping=4.0, final_logit_softcapping=6.0
    ),
    "qwen2_vl": build_qwen(
        Qwen2VLForConditionalGeneration, Qwen2VLConfig, {"embed_dim": 32, "hidden_size": 32, "mlp_ratio": 2}
    ),
    "qwen2_5_vl": build_qwen(
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLConfig,
        {
            "hidden_size": 32,
            "intermediate_size": 64,
            "out_hidden_size": 32,
            "window_size": 16,
            "fullatt_block_indexes": [1],
        },
    ),
    "qwen3_vl": build_qwen(
        Qwen3VLForConditionalGeneration,
        Qwen3VLConfig,
        {
            "hidden_size": 32,
            "intermediate_size": 64,
            "out_hidden_size": 32,
            "deepstack_visual_indexes": [0, 1],
            "num_position_embeddings": 64,
        },
        head_dim=8,
    ),
}
"""Families whose rows are trees."""

RECURRENT = {
    "qwen3_5": build_qwen(
        Qwen3_5ForConditionalGeneration,
        Qwen3_5Config,
        {"hidden_size": 32, "intermediate_size": 64, "out_hidden_size": 32, "num_position_embeddings": 64},
        head_dim=16,
        layer_types=["linear_attention", "full_attention"],
        linear_num_key_heads=2,
        linear_num_value_heads=4,
        linear_key_head_dim=8,
        linear_value_head_dim=8,
        rope_parameters={
            "rope_type": "default",
            "rope_theta": 1e4,
            "mrope_section": [2, 1, 1],
            "partial_rotary_factor": 0.5,
        },
    ),
}
"""Families whose layers keep a state from token to token."""
