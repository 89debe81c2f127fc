"""Typed settings from defaults, a YAML file and `a.b=value` overrides.

In: a room's dataclass, a path, overrides. Out: an instance of it, or a ConfigError with the line and the nearest name.
No concrete setting lives here: what a trainer or a world can be told is stated in its own room.
"""

from errata.config.settings import dump_settings, find_recipe, list_overrides, load_settings
from errata.config.source import read_yaml
from errata.config.versions import list_versions

__all__ = [
    "dump_settings",
    "find_recipe",
    "list_overrides",
    "list_versions",
    "load_settings",
    "read_yaml",
]
