"""A tiny random model with its adapter, and samples of every shape that a tree row can hold."""

from __future__ import annotations

import torch

from errata.models import EncodedImage, LlavaAdapter, ModelSettings
from errata.records import Turn
from errata.trees import TreeSample
from tiny_models import build_model, build_processor, build_tokenizer

ANSWERS = (
    "A red cup and a small dog.",
    "A dog.",
    "Two people walking on a sunny street, and a cat é猫.",
    "The photo shows a wooden table.",
)


def build(text="llama", kv_heads=4, **options):
    tokenizer = build_tokenizer()
    model = build_model(tokenizer, text=text, kv_heads=kv_heads, **options)
    settings = ModelSettings("tiny", template="vicuna")
    return LlavaAdapter(build_processor(tokenizer), model.config, settings), model


def build_samples(adapter):
    """K = 4 with an image, K = 2 with two rounds and the same image, text only, and two images."""
    noise = torch.randn(2, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    image, other = (EncodedImage(pixels, adapter.count_image_tokens(pixels)) for pixels in noise)
    rounds = [Turn("assistant", "A cup."), Turn("user", "Is there a cat?"), Turn("assistant", "No.")]
    cases = [
        ("four", "What is on the table?", [image], [[Turn("assistant", text)] for text in ANSWERS]),
        ("rounds", "Describe it.", [image], [rounds, [*rounds[:2], Turn("assistant", "Yes, a small cat.")]]),
        ("text", "Is there a dog?", [], [[Turn("assistant", "Yes.")], [Turn("assistant", "No, there is no dog.")]]),
        ("pair", "<image> or <image>?", [image, other], [[Turn("assistant", "The first.")]]),
    ]
    samples = []
    for name, question, images, responses in cases:
        prompt = adapter.encode_prompt((Turn("user", question),), images)
        encoded = tuple(adapter.encode_response(prompt, turns) for turns in responses)
        samples.append(TreeSample(name, prompt, encoded, tuple(range(len(encoded)))))
    return samples
