"""Fingerprints of what log-probabilities depend on: the model, and the tokens and pixels of a response."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from errata.models import Adapter
from errata.trees.rows import TreeSample

FORMAT = 1
"""Raised when the meaning of stored numbers changes, so that old ones are not used."""


def describe_reference(model: nn.Module, adapter: Adapter) -> dict[str, Any]:
    """What reference log-probabilities depend on besides the data, for `ReferenceCache`.

    Of a PEFT model the base weights alone count: the reference is the model with its adapter disabled.
    """
    return {
        "format": FORMAT,
        "weights": hash_weights(model),
        "dtype": str(next(model.parameters()).dtype),
        "attention": adapter.text_config(model)._attn_implementation,
        "text": adapter.text_config(model).to_diff_dict(),
        "encoding": adapter.describe(),
    }


def hash_weights(model: nn.Module) -> str:
    """SHA-256 of all parameters and buffers that are saved, adapters left out."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        if ".lora_" in name or ".modules_to_save." in name:
            continue
        # PEFT renames what it wraps; the weights are the same.
        name = name.removeprefix("base_model.model.").replace(".base_layer.", ".").replace(".original_module.", ".")
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(_bytes(value))
    return digest.hexdigest()


def hash_json(value: Any) -> str:
    """Twenty hexadecimal digits of a JSON value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def digest_samples(samples: Sequence[TreeSample]) -> list[list[str]]:
    """Per sample and response a digest of the tokens, of which of them count, and of the images."""
    pixels: dict[int, bytes] = {}
    digests: list[list[str]] = []
    for sample in samples:
        prefix = hashlib.sha256(array("q", sample.prompt.input_ids))
        for image in sample.prompt.images:
            if id(image) not in pixels:
                own = hashlib.sha256(_bytes(image.pixels))
                own.update(array("q", image.size))
                pixels[id(image)] = own.digest()
            prefix.update(pixels[id(image)])
        for block in sample.prompt.blocks:
            prefix.update(array("q", (block.start, block.end, block.beyond_window)))
        digests.append([])
        for response in sample.responses:
            own = prefix.copy()
            own.update(array("q", response.input_ids))
            own.update(bytes(response.is_response))
            digests[-1].append(own.hexdigest()[:16])
    return digests


def _bytes(value: Tensor) -> memoryview:
    """The tensor's memory, which hashing reads without a copy."""
    return memoryview(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
