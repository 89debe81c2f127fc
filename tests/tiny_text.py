"""Tiny causal language models without eyes, with a tokenizer and a chat template, for tests of judges."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from tiny_models import build_tokenizer, fill_weights

CHATML = (
    "{% for message in messages %}{{ '<s>' + message['role'] + '\n' + message['content'] + '</s>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}"
)
KINDS = {
    "llama": (LlamaConfig, LlamaForCausalLM),
    "qwen": (Qwen2Config, Qwen2ForCausalLM),
    "gemma": (Gemma3TextConfig, Gemma3ForCausalLM),
}


def save_text_model(folder: Path, kind: str = "llama", *, template: str | None = CHATML, context: int = 4096) -> Path:
    """A model of two layers with random weights."""
    tokenizer = build_tokenizer()
    tokenizer.chat_template = template
    config_class, model_class = KINDS[kind]
    config = config_class(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=context,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    model = model_class(config)
    fill_weights(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def teach_to_say(folder: Path, text: str) -> Path:
    """Make a saved Llama reply with these words, whatever it is told: every token is followed by a certain one.

    The words' tokens must be distinct. Layers add nothing to the embeddings, and the head reads the next token there.
    """
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    start = tokenizer("\n", add_special_tokens=False)["input_ids"][-1]
    chain = [start, *tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    assert len(set(chain)) == len(chain) <= model.config.hidden_size
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.model.embed_tokens.weight.fill_(0.0)
        model.lm_head.weight.zero_()
        for place, (token, following) in enumerate(pairwise(chain)):
            model.model.embed_tokens.weight[token, place] = 1.0
            model.lm_head.weight[following, place] = 10.0
    model.save_pretrained(folder)
    return folder
