"""Which commit of a Hub repository a model's files are, as far as their folder tells it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from errata.generation import is_endpoint
from errata.judges import find_model_folder

_SNAPSHOT = re.compile(r"/snapshots/([0-9a-f]{40})(?:/|$)")


def find_revisions(model: str) -> dict[str, str | None]:
    """Part of the model -> its commit; of an adapter also that of its base.

    None where no commit is known: of a folder that is no snapshot of the Hub's cache, for which the digest of weights
    beside the answers stands, and of an endpoint, which does not say what it serves.
    """
    if is_endpoint(model):
        return {model: None}
    parts = [model] if Path(model).exists() or "+" not in model else list(filter(None, model.rpartition("+")[::2]))
    return {part: _find_commit(part) for part in parts + (_read_base(parts[0]) if len(parts) == 1 else [])}


def _read_base(name: str) -> list[str]:
    """The base that an adapter folder names; nothing of a whole model."""
    try:
        stated = json.loads((Path(name) / "adapter_config.json").read_text(encoding="utf-8"))
        return [str(stated["base_model_name_or_path"])]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _find_commit(name: str) -> str | None:
    """By where the files lie: a snapshot's folder is called after its commit."""
    folder = find_model_folder(name)
    places = [folder.absolute(), folder.resolve()] if folder is not None else []
    return next((match.group(1) for place in places if (match := _SNAPSHOT.search(place.as_posix()))), None)
