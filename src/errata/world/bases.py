"""The tiny pretrained bases that ship with the package, as folders that `from_pretrained` loads."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from errata.errors import ConfigError

BASES = ("small", "medium", "large", "grown-1", "grown-2", "grown-3")
"""Three sizes, as AMP's multi-size experts, and the medium one after growing amounts of truthful data."""


def base_folder(name: str) -> Path:
    """Where a shipped base lies. Raises ConfigError on a name that is not in `BASES`."""
    if name not in BASES:
        raise ConfigError("base", expected=f"one of {', '.join(BASES)}", found=repr(name), fix="choose one of them")
    return Path(str(resources.files("errata.world"))) / "bases" / name
