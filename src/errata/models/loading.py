"""Load a model folder or Hub name: weights as safetensors only, nothing unpickled, no code of the folder run."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import AutoConfig
from transformers.utils import logging as transformers_logging

from errata.errors import ModelError
from errata.models.adapters import AdapterFolder, find_adapter, load_adapter
from errata.models.families import build_adapter, find_family, find_stops
from errata.models.placement import find_device, find_dtype, first_line
from errata.models.processor_files import read_processor_files
from errata.models.processors import load_processor
from errata.models.prompting import read_prompting
from errata.models.protocol import LoadedModel, ModelSettings
from errata.models.vocabulary import check_vocabulary

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
