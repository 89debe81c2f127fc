"""Loading settings, writing them down again, and finding the recipe that was meant."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from errata.config.builder import Builder, find_nearest, list_names
from errata.config.source import apply_override, read_yaml
from errata.errors import ConfigError

Settings = TypeVar("Settings")
SECRETS = ("hub_token",)
"""Fields that are never written into a run folder."""


def load_settings(cls: type[Settings], path: str | Path | None, overrides: Sequence[str] = ()) -> Settings:
    """Build settings: the defaults of `cls`, then a YAML file, then overrides.

    Args:
        cls: A dataclass; its fields may be dataclasses themselves.
        path: A YAML file, or the name of a packaged recipe; None for the defaults alone.
        overrides: `name=value` or `group.name=value`, later ones win; values are read as YAML.

    Raises:
        ConfigError: An unknown key, a value of the wrong type, or a setting without a value, with its file and line.
    """
    tree, origins = ({}, {}) if path is None else read_yaml(find_recipe(path))
    for override in overrides:
        apply_override(tree, origins, override)
    settings: Settings = Builder(origins, list_names(cls), str(path or cls.__name__)).build(cls, tree, ())
    return settings


def list_overrides(settings: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Nested plain values as the `a.b=value` that `load_settings` takes."""
    lines: list[str] = []
    for name, value in settings.items():
        inner = isinstance(value, Mapping)
        lines += list_overrides(value, f"{prefix}{name}.") if inner else [f"{prefix}{name}={json.dumps(value)}"]
    return lines


def dump_settings(settings: Any) -> Any:
    """Settings as plain values that YAML and JSON can hold and `load_settings` reads back; secrets become None."""
    if dataclasses.is_dataclass(settings) and not isinstance(settings, type):
        names = [field.name for field in dataclasses.fields(settings) if field.init]
        return {name: None if name in SECRETS else dump_settings(getattr(settings, name, None)) for name in names}
    if isinstance(settings, enum.Enum):
        return dump_settings(settings.value)
    if isinstance(settings, Mapping):
        return {str(key): dump_settings(value) for key, value in settings.items()}
    if isinstance(settings, (list, tuple, set, frozenset)):
        return [dump_settings(value) for value in settings]
    return settings if settings is None or isinstance(settings, (bool, int, float, str)) else str(settings)


def find_recipe(name: str | Path) -> Path:
    """The file called `name`, else the packaged recipe of that name (`recipes/ddpo.yaml`, `ddpo.yaml` and `ddpo`)."""
    path = Path(name)
    if path.is_file():
        return path
    folder = Path(str(resources.files("errata.recipes")))
    inside = path if path.parts[:1] != ("recipes",) else path.relative_to("recipes")
    packaged = folder / inside.with_suffix(".yaml")
    if ".." not in inside.parts and not path.is_absolute() and packaged.is_file():
        return packaged
    names = sorted(str(file.relative_to(folder).with_suffix("")) for file in folder.rglob("*.yaml"))
    raise ConfigError(
        str(path),
        expected="a YAML file or the name of a recipe" + (f" ({', '.join(names)})" if names else ""),
        found="a folder" if path.is_dir() else "nothing there",
        fix=f"did you mean {nearest!r}?" if (nearest := find_nearest(path.stem, names)) else "check the path",
    )
