"""Fingerprints of what log-probabilities depend on: the model, and the tokens and pixels of a response."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from errata.models import Adapter
from errata.trees.rows import TreeSample

FORMAT = 1
"""Raised when the meaning of stored numbers changes, so that old ones are not used."""


SAID_ELSEWHERE = ("dtype", "transformers_version")
"""What a configuration says about its file, not about the numbers."""
_NAMES = ("base_model_name_or_path", "revision", "inference_mode", "lora_dropout", "peft_version")
"""What an adapter's configuration says of its place and its training."""
SHORT = 40
"""Characters of a value that a message shows; hashes and templates are longer."""


def describe_reference(model: nn.Module, adapter: Adapter, *, with_adapter: bool = False) -> dict[str, Any]:
    """What reference log-probabilities depend on besides the data, for `ReferenceCache`.

    Attention functions and devices round in their own ways, so the kind of device and the name of the function count.

    Args:
        model: The reference.
        adapter: Its family.
        with_adapter: A PEFT model's adapter counts as well; else its base alone, as for new adapters, which the
            reference is without.
    """
    first, text = next(model.parameters()), adapter.text_config(model)
    return {
        "format": FORMAT,
        "weights": hash_weights(model),
        "dtype": str(first.dtype),
        "device": first.device.type,
        "attention": str(text._attn_implementation),
        "text": {name: value for name, value in text.to_diff_dict().items() if name not in SAID_ELSEWHERE},
        "encoding": adapter.describe(),
    } | ({"adapter": hash_adapter(model)} if with_adapter and hasattr(model, "peft_config") else {})


def hash_adapter(model: nn.Module) -> str:
    """A digest of a PEFT model's adapters: their weights, and the settings that say what is made of them."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        if _of_adapter(name):
            _update(digest, name, value)
    for name, config in sorted(model.peft_config.items()):  # type: ignore[union-attr,operator]
        stated = {key: value for key, value in vars(config).items() if key not in _NAMES}
        digest.update(f"{name} {hash_json(_sort_sets(stated))}".encode())
    return digest.hexdigest()


def _of_adapter(name: str) -> bool:
    return any(mark in name for mark in (".lora_", ".modules_to_save.", ".trainable_tokens_"))


def _update(digest: Any, name: str, value: Tensor) -> None:
    digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
    digest.update(_bytes(value))


def _sort_sets(value: Any) -> Any:
    """The value with lists for sets, whose order differs between processes."""
    if isinstance(value, dict):
        return {str(key): _sort_sets(own) for key, own in value.items()}
    return sorted(map(str, value)) if isinstance(value, set | frozenset) else value


def hash_weights(model: nn.Module) -> str:
    """SHA-256 of all parameters and buffers that are saved, adapters left out."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        if _of_adapter(name):
            continue
        # PEFT renames what it wraps; the weights are the same.
        name = name.removeprefix("base_model.model.").replace(".base_layer.", ".").replace(".original_module.", ".")
        _update(digest, name, value)
    return digest.hexdigest()


def hash_json(value: Any) -> str:
    """Twenty hexadecimal digits of a JSON value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def find_differences(found: Any, about: dict[str, Any]) -> list[str]:
    """The parts of a description that differ from the one that was found, as `template` or `dtype (a, now b)`.

    Args:
        found: What `about.json` holds; anything else than a description differs as a whole.
        about: The description now.
    """
    if not isinstance(found, dict):
        return ["everything (about.json cannot be read)"]
    before, now = dict(_flatten(found)), dict(_flatten(json.loads(json.dumps(about, default=str))))
    names = [name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)]
    return [_describe_part(name, before.get(name), now.get(name)) for name in names]


def _flatten(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(`a.b`, value) of every value; what is said about encoding stands without that word before it."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, "" if name == "encoding" else f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _describe_part(name: str, before: Any, now: Any) -> str:
    short = all(len(str(value)) <= SHORT for value in (before, now))
    return f"{name} ({before}, now {now})" if short else name


def digest_samples(samples: Sequence[TreeSample]) -> list[list[str]]:
    """Per sample and response (its contrast's last) a digest of tokens, of which of them count, and of images."""
    pixels: dict[int, bytes] = {}
    return [[digest for tree in sample.trees for digest in _digest_tree(tree, pixels)] for sample in samples]


def _digest_tree(tree: TreeSample, pixels: dict[int, bytes]) -> Iterator[str]:
    """Per response; `pixels` holds the digests of the images that were met before."""
    prefix = hashlib.sha256(array("q", tree.prompt.input_ids))
    for image in tree.prompt.images:
        if id(image) not in pixels:
            own = hashlib.sha256(_bytes(image.pixels))
            own.update(array("q", image.size))
            pixels[id(image)] = own.digest()
        prefix.update(pixels[id(image)])
    for block in tree.prompt.blocks:
        prefix.update(array("q", (block.start, block.end, block.beyond_window)))
    for response in tree.responses:
        own = prefix.copy()
        own.update(array("q", response.input_ids))
        own.update(bytes(response.is_response))
        yield own.hexdigest()[:16]


def _bytes(value: Tensor) -> memoryview:
    """The tensor's memory, which hashing reads without a copy."""
    return memoryview(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
