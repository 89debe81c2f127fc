"""Load a model folder or Hub name: weights as safetensors only, nothing unpickled, no code of the folder run.

An adapter and its base as one model: what a next training begins with, and what servers load.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from peft import PeftModel
from transformers import AutoConfig
from transformers.utils import logging as transformers_logging

from errata.errors import ModelError
from errata.models.adapters import AdapterFolder, find_adapter, load_adapter, require_in_layers
from errata.models.families import build_adapter, find_family, find_stops
from errata.models.placement import find_device, find_dtype, first_line
from errata.models.processors import load_processor, read_processor_files, write_processor_files
from errata.models.prompting import read_prompting, write_prompting
from errata.models.protocol import LoadedModel, ModelSettings
from errata.models.special_tokens import check_vocabulary
from errata.storage import replacing_folder, write_text

_FIX = "name a folder written by save_pretrained, or a model on the Hub"

_FIX_QUANTISED = (
    "name the model as it was before (an adapter on it as BASE+ADAPTER), or install what these weights need"
)


def load_model(
    settings: ModelSettings, *, for_training: bool = False, adapter_path: str | Path | None = None
) -> LoadedModel:
    """Load a model with its processor; of a PEFT adapter folder, also the base model that it names.

    Args:
        settings: What to load and how to run it; `BASE+ADAPTER` for the name puts an adapter on another base than the
            one that it names.
        for_training: Leave the model in training mode; a PEFT adapter's weights become trainable.
        adapter_path: A PEFT adapter to put on the model.

    Raises:
        ModelError: No such folder, no model in it, an architecture without an adapter, missing, damaged or pickled
            weights, or a processor that cannot be read.
    """
    name = settings.name
    settings, adapter = _find_parts(settings, adapter_path)
    with quiet_transformers():
        config = _load_config(settings)
        model = _load_weights(settings, config)
        processor, files = load_processor(settings, config), read_processor_files(settings)
        if adapter is not None:
            model = load_adapter(model, adapter.path, processor, for_training=for_training)
    check_vocabulary(model, processor, str(name))
    model.train(for_training)
    family = build_adapter(processor, config, settings, find_stops(model))
    return LoadedModel(model, processor, family, str(name), files)


def check_model(settings: ModelSettings) -> None:
    """Raise ModelError or ConfigError for what can be told of a model without its weights: its architecture, processor
    and template, and a device or number format that is none."""
    settings, _ = _find_parts(settings, None)
    find_dtype(settings.dtype, find_device(settings.device))
    with quiet_transformers():
        config = _load_config(settings)
        build_adapter(load_processor(settings, config), config, settings)


def _find_parts(settings: ModelSettings, adapter_path: str | Path | None) -> tuple[ModelSettings, AdapterFolder | None]:
    """The settings of the base, asked as it was trained to be, and the adapter on it."""
    name = settings.name
    adapter = find_adapter(name, adapter_path)
    settings = read_prompting(adapter.path if adapter else name, settings)
    if adapter is None:
        return settings, None
    settings = replace(settings, name=adapter.base, revision=settings.revision or adapter.revision)
    return read_prompting(adapter.base, settings), adapter


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence loading bars, remarks and notices of deprecation between libraries; problems are raised, not printed."""
    verbosity, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()


def _load_config(settings: ModelSettings) -> Any:
    check_folder(settings.name)
    try:
        config = AutoConfig.from_pretrained(settings.name, revision=settings.revision)
    except Exception as error:  # the Hub, JSON and the configuration classes raise many types
        raise ModelError(
            settings.name, expected="a readable model configuration", found=first_line(error), fix=_FIX
        ) from None
    find_family(config, settings.name).check_limits(settings)
    return config


def check_folder(name: str) -> None:
    """Say early and plainly what is wrong with a local path; a Hub name passes."""
    path = Path(name)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelError(name, expected="a model folder", found="a folder without config.json", fix=_FIX)
        weights = [item.name for item in path.iterdir() if item.suffix in (".safetensors", ".bin", ".pt", ".pth")]
        if not any(item.endswith(".safetensors") for item in weights):
            found = f"only {weights[0]}, which loading would have to unpickle" if weights else "no weights"
            raise ModelError(
                name, expected="weights as .safetensors", found=found, fix="convert the weights to safetensors"
            )
    elif path.exists():
        raise ModelError(name, expected="a model folder", found="a file", fix=_FIX)
    elif name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ModelError(name, expected="a model folder or a Hub name 'owner/model'", found="no such folder", fix=_FIX)


def _load_weights(settings: ModelSettings, config: Any) -> Any:
    device = find_device(settings.device)
    architecture = find_family(config, settings.name).find_class(config)
    try:
        model, report = architecture.from_pretrained(
            settings.name,
            config=config,
            revision=settings.revision,
            dtype=find_dtype(settings.dtype, device),
            attn_implementation=None,  # sdpa, but for language models that it cannot serve
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # they are named below
            output_loading_info=True,
        )
    except ModelError:
        raise
    except Exception as error:  # safetensors, the Hub and torch raise many types
        quantised = hasattr(config, "quantization_config")
        raise ModelError(
            settings.name,
            expected="whole safetensors weights of this architecture",
            found=f"quantised weights: {first_line(error)}" if quantised else first_line(error),
            fix=_FIX_QUANTISED if quantised else "fetch or write the model again",
        ) from None
    # Weights that are missing would be left random and answer nonsense without a word.
    bad = sorted(report["missing_keys"]) + sorted(name for name, *_ in report["mismatched_keys"])
    if bad:
        raise ModelError(
            settings.name,
            expected="weights for every parameter",
            found=f"{len(bad)} missing or of another shape, first {bad[0]}",
            fix="fetch or write the model again",
        )
    return model.to(device)


def merge_adapter(settings: ModelSettings, out: str | Path) -> Path:
    """Write the model with its adapter's weights added to the base's, its processor, and how it is asked.

    Args:
        settings: An adapter folder or `BASE+ADAPTER`; a model without adapter is written as it is.
        out: The folder, which appears whole or not at all.

    Raises:
        ModelError: A model that cannot be loaded, or an adapter that cannot be merged.
        StorageError: The folder cannot be written.
    """
    loaded = load_model(settings)
    model = merge_in_place(loaded.model, loaded.name) if isinstance(loaded.model, PeftModel) else loaded.model
    return write_whole(model, loaded, out)


def merge_in_place(model: PeftModel, name: str) -> Any:
    """The base with the weights of its active adapter added, in the base's number format.

    Raises:
        ModelError: A base of integers, whose merged weights would be rounded to them, or an adapter outside the layers.
    """
    base: Any = model.get_base_model()
    require_in_layers(model.peft_config[model.active_adapter], name)
    if getattr(base, "hf_quantizer", None) is not None:
        raise ModelError(
            name,
            expected="a base whose weights can take the adapter's",
            found="a quantised one",
            fix="put the adapter on the base as it was before, BASE+ADAPTER",
        )
    try:
        with quiet_transformers():
            return model.merge_and_unload(safe_merge=True)
    except (ValueError, NotImplementedError, AttributeError, RuntimeError) as error:  # by the kind of adapter
        raise ModelError(
            name, expected="an adapter that can be merged", found=first_line(error), fix="train it again, with LoRA"
        ) from None


def write_whole(
    model: Any, loaded: LoadedModel, out: str | Path, notes: dict[str, str] | None = None, **options: Any
) -> Path:
    """Write a model's or an adapter's weights with its processor and how it is asked.

    Args:
        model: What is saved.
        loaded: Whose processor and prompting go with it.
        out: The folder.
        notes: Texts by the name of a file.
        **options: Of the model's `save_pretrained`.

    Raises:
        StorageError: The folder cannot be written. It appears whole or not at all.
    """
    with quiet_transformers(), replacing_folder(out) as temporary:
        model.save_pretrained(temporary, **options)
        loaded.processor.save_pretrained(temporary)
        write_processor_files(temporary, loaded.files, loaded.processor)
        write_prompting(temporary, loaded.adapter.settings)
        for name, text in (notes or {}).items():
            write_text(temporary / name, text)
    return Path(out)
