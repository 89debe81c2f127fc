"""An adapter and its base as one model: what a next training begins with, and what servers load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from peft import PeftModel

from errata.errors import ModelError
from errata.models.adapters import require_in_layers
from errata.models.loading import load_model, quiet_transformers
from errata.models.placement import first_line
from errata.models.processor_files import write_processor_files
from errata.models.prompting import write_prompting
from errata.models.protocol import LoadedModel, ModelSettings
from errata.records import replacing_folder, write_text


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
