"""The settings that bound how large pictures are, and how they are made to fit a model."""

from __future__ import annotations

from typing import Any, Literal

from errata.errors import ConfigError

ImageMode = Literal["processor", "pad"]

LIMITS = ("max_pixels", "min_pixels", "max_tiles")
"""The settings that bound how large pictures are, of a model and of a run."""


def check_limits(group: str, settings: Any) -> None:
    """Raise ConfigError for limits on pictures that no picture can meet; `group` names the settings."""
    for name in LIMITS:
        value = getattr(settings, name)
        if value is not None and value < 1:
            raise ConfigError(f"{group}.{name}", expected="at least 1", found=str(value), fix="change the setting")
    low, high = settings.min_pixels, settings.max_pixels
    if low is not None and high is not None and low > high:
        found = f"{low} above max_pixels {high}"
        raise ConfigError(f"{group}.min_pixels", expected="at most max_pixels", found=found, fix="change one of them")
