"""How a trained model wants to be asked: kept beside its weights, so that nobody asks it in another way by mistake."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

from errata.errors import ModelError
from errata.images import LIMITS
from errata.models.protocol import ModelSettings
from errata.storage import write_text

FILE = "errata.json"
_TEXTS = ("template", "system_prompt", "image_mode")
PROMPTING = (*_TEXTS, "thinking", *LIMITS)
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
        ModelError: A file that holds anything but template, system prompt and image mode as text, thinking as true or
            false, and limits on pictures as numbers.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return settings
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        good = stated.keys() <= set(PROMPTING) and all(_is_right(*each) for each in stated.items())
    except (OSError, ValueError, AttributeError):
        good = False
    if not good:
        raise ModelError(
            str(path),
            expected=f"a JSON object with texts for {', '.join(_TEXTS)}, true or false for thinking, and whole numbers "
            f"for {', '.join(LIMITS)}",
            found="something else",
            fix="remove the file and state them as model.template=… and so on",
        )
    open_names = [name for name in stated if getattr(settings, name) == _DEFAULTS[name]]
    return replace(settings, **{name: stated[name] for name in open_names})


def _is_right(name: str, value: object) -> bool:
    if name in _TEXTS:
        return isinstance(value, str)
    if name == "thinking":
        return isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
