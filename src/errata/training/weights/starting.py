"""What a run begins with: the model as it was given, with new adapters, or an adapter that is trained further.

The reference is the model as it was given. An adapter that is trained further is therefore kept as it was. One below
new adapters is merged first, and the merged base is written, so that what is saved names a base that loads.

Where the base under an adapter is loaded from, and whether what is there is what the model has in memory.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import try_to_load_from_cache
from peft import PeftModel
from safetensors import safe_open
from torch import Tensor, nn
from transformers import AutoConfig

from errata.errors import ConfigError, ModelError
from errata.models import LoadedModel, find_adapter, merge_in_place, quiet_transformers, require_in_layers, write_whole
from errata.training.settings import PreferenceConfig
from errata.training.weights.checkpoints import find_checkpoint
from errata.training.weights.parameters import add_adapter, require_adapters_alone
from errata.trees import hash_adapter, hash_weights


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


BASE, START, NOTE = "base", "start", "origin.json"
"""Folders in a run's: the base that only the run has, and what an adapter that is trained further was before; and the
file in them that says what they were made of."""


@dataclass(frozen=True, slots=True)
class Start:
    """The model to train.

    Attributes:
        model: With its adapters, if it has any.
        keeps_adapter: The reference is the model with its adapter as it is now: one that was given is trained further,
            or a new one trains biases of the base, which switching it off would not bring back.
        message: What the run should say about it; None of a model that is trained as it was given.
    """

    model: nn.Module
    keeps_adapter: bool = False
    message: str | None = None


def prepare_start(loaded: LoadedModel, peft_config: Any, args: PreferenceConfig) -> Start:
    """Give a model the adapters that a run trains, and every adapter a base that loads.

    Args:
        loaded: The model as it was given. Its adapter, if it has one, is merged into it where there is `peft_config`.
        peft_config: New adapters; None trains what the model has.
        args: Whose `output_dir` takes a base that has no other place, and a copy of an adapter that is trained further.

    Raises:
        ConfigError: Parts that an adapter's folder could not hold are to learn, or new adapters that do not fit.
        ModelError: Adapters that cannot be trained or merged, or that would name no base.
        StorageError: They cannot be written.
    """
    adapted = isinstance(loaded.model, PeftModel)
    if adapted or peft_config is not None:
        require_adapters_alone(vision=args.train_vision, projector=args.train_projector)
    if adapted:
        _require_one(loaded.model, loaded.name)
    if peft_config is not None:
        return _add_new(loaded, peft_config, args)
    if not adapted:
        return Start(loaded.model)
    _name_base(loaded)
    _write_beside(START, loaded.model, hash_adapter(loaded.model), loaded, args)
    told = f"{loaded.name}: its adapter is trained further; the reference is the model with the adapter as it is now"
    return Start(loaded.model, keeps_adapter=True, message=told)


def _require_one(model: PeftModel, where: str) -> None:
    """Raise ModelError unless one adapter is in use, under the name whose folder is the model's own."""
    active = model.active_adapters
    if active != ["default"]:
        raise ModelError(
            where,
            expected="one adapter in use, called 'default'",
            found=", ".join(map(repr, active)) or "none",
            fix="load it with PeftModel.from_pretrained alone, or merge the adapters first",
        )
    require_in_layers(model.peft_config["default"], where)


def _add_new(loaded: LoadedModel, peft_config: Any, args: PreferenceConfig) -> Start:
    model: Any = loaded.model
    merged, message = isinstance(model, PeftModel), None
    if merged:
        model = merge_in_place(model, loaded.name)
    base, revision = None if merged else locate_base(model), loaded.adapter.settings.revision
    if base is None:
        base, revision = str(_write_beside(BASE, model, hash_weights(model), loaded, args)), None
        done = "its adapter was merged into its base" if merged else "no folder holds this model as it is now"
        message = f"{loaded.name}: {done}; the new adapter's base was written to {base}"
    model.name_or_path = model.config._name_or_path = base
    peft_config.base_model_name_or_path, peft_config.revision = base, revision
    keeps = getattr(peft_config, "bias", "none") != "none"
    return Start(add_adapter(model, peft_config), keeps, message)


def _write_beside(name: str, model: Any, weights: str, loaded: LoadedModel, args: PreferenceConfig) -> Path:
    """Write what a run's adapters stand on into its folder, unless it is there from before the run was stopped.

    Raises:
        ConfigError: The folder holds checkpoints of a run that began with something else.
    """
    folder = Path(args.output_dir).absolute() / name
    note = json.dumps({"model": loaded.name, "weights": weights}, ensure_ascii=False, indent=1) + "\n"
    with args.main_process_first(desc=name):
        if not args.should_save or _read(folder / NOTE) == note:
            return folder
        if (folder / NOTE).is_file() and find_checkpoint(args.output_dir):
            raise ConfigError(
                str(folder),
                expected=f"what the run in {args.output_dir} began with",
                found=f"other weights than those of {loaded.name} now",
                fix="choose another folder for this run, or start over",
            )
        embeddings = name == START and has_other_embeddings(model.get_base_model())
        options = {"save_embedding_layers": True} if embeddings else {}
        return write_whole(model, loaded, folder, {NOTE: note}, **options)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _name_base(loaded: LoadedModel) -> None:
    """Let an adapter that is trained further name the base that it stands on, wherever it is loaded from later."""
    base: Any = loaded.model.get_base_model()
    config = loaded.model.peft_config["default"]
    place = locate_base(base)
    if place is None:
        raise ModelError(
            loaded.name,
            expected="an adapter on a base that can be named: what is trained has to say what it stands on",
            found=f"a base called {base.name_or_path!r}, which is no folder, or one with other weights",
            fix="write the base with save_pretrained, and load it from there",
        )
    config.base_model_name_or_path = base.name_or_path = place
    config.revision = loaded.adapter.settings.revision


def find_start(name: str) -> str | None:
    """The adapter that the run began with which trained this one further; None where it began with a base alone."""
    adapter = find_adapter(name)
    start = adapter.path.absolute().parent / START if adapter else None
    return str(start) if start and (start / NOTE).is_file() else None
