"""Which adapter serves which architecture."""

from __future__ import annotations

from typing import Any

from errata.errors import ModelError
from errata.models.family import FamilyAdapter
from errata.models.llava import LlavaAdapter
from errata.models.protocol import ModelSettings

FAMILIES: dict[str, type[FamilyAdapter]] = {"llava": LlavaAdapter}
"""By the `model_type` of a configuration."""


def find_family(config: Any, name: str) -> type[FamilyAdapter]:
    """The adapter class for a model's configuration. Raises ModelError if there is none."""
    family = FAMILIES.get(config.model_type)
    if family is None:
        raise ModelError(
            name,
            expected=f"an architecture with an adapter: {', '.join(FAMILIES)}",
            found=f"model_type {config.model_type!r}",
            fix="name a model of one of these architectures",
        )
    return family


def build_adapter(processor: Any, config: Any, settings: ModelSettings) -> FamilyAdapter:
    """The adapter of a model that is already loaded. Raises ModelError for an architecture without one."""
    return find_family(config, settings.name)(processor, config, settings)
