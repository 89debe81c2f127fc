"""What a run was made with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("errata", "torch", "transformers", "accelerate", "peft", "tokenizers", "datasets", "numpy", "pillow")


def list_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a run's numbers; those that are missing are left out."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
