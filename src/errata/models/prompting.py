"""How a trained model wants to be asked: kept beside its weights, so that nobody asks it in another way by mistake."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

from errata.errors import ModelError
from errata.models.protocol import ModelSettings
from errata.records import write_text

FILE = "errata.json"
PROMPTING = ("template", "system_prompt", "thinking", "image_mode")
"""The fields of `ModelSettings` that say how a model is asked."""
_DEFAULTS = {field.name: field.default for field in fields(ModelSettings) if field.name in PROMPTING}


def write_prompting(folder: str | Path, settings: ModelSettings) -> None:
    """Write what differs from the defaults to `errata.json`. Raises StorageError."""
    stated = {name: getattr(settings, name) for name in PROMPTING if getattr(settings, name) != _DEFAULTS[name]}
    if stated:
        write_text(Path(folder) / FILE, json.dumps(stated, ensure_ascii=False, indent=1) + "\n")


def read_prompting(folder: str | Path, settings: ModelSettings) -> ModelSettings:
    """The settings with what `errata.json` says where they themselves say nothing.

    Raises:
        ModelError: A file that holds anything but template, system prompt and image mode as text, and thinking as true
            or false.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return settings
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        good = stated.keys() <= set(PROMPTING) and all(
            isinstance(value, bool if name == "thinking" else str) for name, value in stated.items()
        )
    except (OSError, ValueError, AttributeError):
        good = False
    if not good:
        raise ModelError(
            str(path),
            expected=f"a JSON object with {', '.join(PROMPTING)}",
            found="something else",
            fix="remove the file and state them as model.template=… and so on",
        )
    open_names = [name for name in stated if getattr(settings, name) == _DEFAULTS[name]]
    return replace(settings, **{name: stated[name] for name in open_names})
