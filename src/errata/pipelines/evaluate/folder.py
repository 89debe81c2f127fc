"""A result folder that holds answers already: whether the command given now may go on with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from errata.config import describe_difference, dump_settings
from errata.errors import ConfigError
from errata.generation import is_endpoint, name_model
from errata.records import remove_file

FREE = ("benchmarks", "mode", "options", "endpoint", "judge")
"""Settings that may change: none changes an answer, or the file of answers notices that other questions are asked."""


def check_folder(out: Path, settings: Any, names: Sequence[str], *, fresh: bool) -> dict[str, Any]:
    """The settings as plain values, if the answers found in the folder were given under the same ones.

    They are not written here but once the model has loaded: a start that failed must not bind the next one.

    Args:
        out: The result folder.
        settings: A dataclass.
        names: The benchmarks whose answers `fresh` removes.
        fresh: Start over.

    Raises:
        ConfigError: The folder holds the answers of other settings.
    """
    stated: dict[str, Any] = dump_settings(settings)
    if fresh:
        for name in names:
            remove_file(out / "answers" / f"{name}.jsonl")
    elif (out / "settings.json").is_file():
        _require_same(out / "settings.json", stated)
    return stated


def _without_address(settings: Any) -> Any:
    """The settings with the model's name alone, wherever it is served."""
    model = settings.get("model") if isinstance(settings, dict) else None
    if not isinstance(model, str) or not is_endpoint(model):
        return settings
    return settings | {"model": name_model(model)}


def _require_same(path: Path, stated: dict[str, Any]) -> None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    difference = describe_difference(_without_address(found), _without_address(stated), free=FREE)
    if difference:
        raise ConfigError(
            str(path),
            expected="the settings of the answers in this folder",
            found=difference,
            fix="choose another --out, or start over with --fresh",
            code="other-run",
        )
