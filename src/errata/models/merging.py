"""An adapter and its base as one model: what a next training begins with, and what servers load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from peft import PeftModel

from errata.models.loading import load_model, quiet_transformers
from errata.models.processor_files import write_processor_files
from errata.models.prompting import write_prompting
from errata.models.protocol import ModelSettings
from errata.records import replacing_folder


def merge_adapter(settings: ModelSettings, out: str | Path) -> Path:
    """Write the model with its adapter's weights added to the base's, its processor, and how it is asked.

    Args:
        settings: An adapter folder or `BASE+ADAPTER`; a model without adapter is written as it is.
        out: The folder, which appears whole or not at all.

    Raises:
        ModelError: A model that cannot be loaded.
        StorageError: The folder cannot be written.
    """
    loaded = load_model(settings)
    model: Any = loaded.model
    with quiet_transformers(), replacing_folder(out) as temporary:
        merged = model.merge_and_unload(safe_merge=True) if isinstance(model, PeftModel) else model
        merged.save_pretrained(temporary)
        loaded.processor.save_pretrained(temporary)
        write_processor_files(temporary, loaded.files, loaded.processor)
        write_prompting(temporary, loaded.adapter.settings)
    return Path(out)
