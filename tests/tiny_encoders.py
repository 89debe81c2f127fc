"""Tiny random-weight text encoders as folders: CLIP with both towers, SigLIP, BERT as sentence-transformers has it."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPModel,
    RobertaConfig,
    RobertaModel,
    SiglipConfig,
    SiglipModel,
)

from tiny_models import build_tokenizer, fill_weights

_LAYERS = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
_VISION = {**_LAYERS, "image_size": 32, "patch_size": 16}


def _save(model: torch.nn.Module, folder: Path, max_tokens: int) -> Path:
    fill_weights(model)
    tokenizer = build_tokenizer()
    tokenizer.model_max_length = max_tokens
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_clip(folder: Path, max_tokens: int = 77) -> Path:
    """A CLIP of both towers, with a projection to 16 numbers."""
    tokenizer = build_tokenizer()
    text = {"vocab_size": len(tokenizer), "max_position_embeddings": max_tokens, "projection_dim": 16, **_LAYERS}
    ends = {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id, "pad_token_id": 3}
    torch.manual_seed(0)
    config = CLIPConfig(text_config=text | ends, vision_config=_VISION | {"projection_dim": 16}, projection_dim=16)
    return _save(CLIPModel(config), folder, max_tokens)


def save_siglip(folder: Path, max_tokens: int = 16) -> Path:
    """A SigLIP, whose texts are padded to their whole length."""
    text = {"vocab_size": len(build_tokenizer()), "max_position_embeddings": max_tokens, **_LAYERS}
    torch.manual_seed(0)
    return _save(SiglipModel(SiglipConfig(text_config=text, vision_config=_VISION)), folder, max_tokens)


def save_bert(folder: Path, mode: str | None = None, max_tokens: int = 64, modules: tuple[str, ...] = ()) -> Path:
    """A BERT; with a mode of pooling also the files that sentence-transformers puts beside it."""
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(build_tokenizer()), max_position_embeddings=max_tokens, **_LAYERS)
    _save(BertModel(config, add_pooling_layer=False), folder, max_tokens)
    if mode is not None:
        kinds = ("Transformer", "Pooling", *modules)
        paths = ("", "1_Pooling", *(f"{number}_{kind}" for number, kind in enumerate(modules, 2)))
        rows = [
            {"type": f"sentence_transformers.models.{kind}", "path": path}
            for kind, path in zip(kinds, paths, strict=True)
        ]
        (folder / "modules.json").write_text(json.dumps(rows))
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": False, mode: True}))
        (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 32}))
    return folder


def save_roberta(folder: Path, positions: int = 20) -> Path:
    """A RoBERTa whose tokenizer states no length: it has four positions fewer than it says (padding is number 3)."""
    torch.manual_seed(0)
    size = {"vocab_size": len(build_tokenizer()), "max_position_embeddings": positions, "pad_token_id": 3}
    return _save(RobertaModel(RobertaConfig(**size, **_LAYERS), add_pooling_layer=False), folder, 10**30)
