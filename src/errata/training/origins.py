"""Where the base under an adapter is loaded from, and whether what is there is what the model has in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from huggingface_hub import try_to_load_from_cache
from safetensors import safe_open
from torch import Tensor
from transformers import AutoConfig

from errata.models import quiet_transformers


def locate_base(base: Any) -> str | None:
    """The whole path or Hub name that a base is loaded from; None where it has none, or other weights by now.

    Args:
        base: A transformers model, in whose layers adapters may stand.
    """
    name = str(getattr(base, "name_or_path", "") or "")
    hub = name.count("/") == 1 and not name.startswith((".", "/", "~"))
    folder = _find_folder(name, hub)
    if folder is not None and not _holds_weights(folder, base):
        return None
    if (Path(name) / "config.json").is_file():
        return str(Path(name).absolute())
    return name if hub else None


def has_other_embeddings(base: Any) -> bool:
    """Whether the base has another number of embeddings than where it is loaded from: an adapter must bring them."""
    try:
        with quiet_transformers():
            stated = AutoConfig.from_pretrained(base.name_or_path, local_files_only=True).get_text_config().vocab_size
    except (OSError, ValueError):  # a base on the Hub whose configuration is not here
        return False
    return bool(base.get_input_embeddings().weight.shape[0] != stated)


def _find_folder(name: str, hub: bool) -> Path | None:
    """The folder with a base's files, if it is on this machine."""
    if (Path(name) / "config.json").is_file():
        return Path(name)
    found = try_to_load_from_cache(name, "config.json") if hub else None
    return Path(found).parent if isinstance(found, str) else None


def _holds_weights(folder: Path, base: Any) -> bool:
    """Whether a folder's weights are the model's, judged by its last layer: an adapter that was merged in memory, or
    training, changes that. Weights that are stored in another form, as quantised ones, are not compared."""
    for suffix, own in _list_last_layer(base).items():
        stored = _read_tensor(folder, suffix)
        if stored is not None and stored.shape == own.shape and not _equal(own.detach().cpu(), stored):
            return False
    return True


def _list_last_layer(base: Any) -> dict[str, Tensor]:
    """The matrices of the language model's last layer, by the end of their names."""
    decoder = base.get_decoder()
    layers = getattr(decoder, "layers", None)
    if not isinstance(layers, torch.nn.ModuleList):
        return {}
    plain = {name.replace(".base_layer.", "."): value for name, value in layers[-1].named_parameters()}
    chosen = {name: value for name, value in plain.items() if value.ndim == 2 and value.is_floating_point()}
    return {f"layers.{len(layers) - 1}.{name}": value for name, value in chosen.items() if ".lora_" not in name}


def _read_tensor(folder: Path, suffix: str) -> Tensor | None:
    """The one tensor of the language model whose name ends so; None where there is none, or several."""
    found: list[Tensor] = []
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            names = [name for name in file.keys() if name.endswith(f".{suffix}") and "vision" not in name]  # noqa: SIM118
            found += [file.get_tensor(name) for name in names if "visual" not in name]
    return found[0] if len(found) == 1 else None


def _equal(one: Tensor, other: Tensor) -> bool:
    """Whether tensors are equal in either's number format, or in one that they came through."""
    formats = (one.dtype, other.dtype, torch.bfloat16, torch.float16)
    return any(torch.equal(one.to(form), other.to(form)) for form in formats)
