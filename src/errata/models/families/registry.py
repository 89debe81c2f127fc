"""Which adapter serves which architecture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from errata.errors import ModelError
from errata.models.families.family import FamilyAdapter
from errata.models.families.gemma import Gemma3Adapter, PaliGemmaAdapter
from errata.models.families.idefics3 import Idefics3Adapter, SmolVLMAdapter
from errata.models.families.internvl import InternVLAdapter
from errata.models.families.llava import LlavaAdapter, LlavaNextAdapter, LlavaOnevisionAdapter
from errata.models.families.qwen_vl import Qwen2VLAdapter, Qwen3VLAdapter, Qwen25VLAdapter, Qwen35Adapter
from errata.models.generic import GenericAdapter
from errata.models.protocol import ModelSettings

FAMILIES: dict[str, type[FamilyAdapter]] = {
    "llava": LlavaAdapter,
    "llava_next": LlavaNextAdapter,
    "llava_onevision": LlavaOnevisionAdapter,
    "idefics3": Idefics3Adapter,
    "smolvlm": SmolVLMAdapter,
    "qwen2_vl": Qwen2VLAdapter,
    "qwen2_5_vl": Qwen25VLAdapter,
    "qwen3_vl": Qwen3VLAdapter,
    "qwen3_5": Qwen35Adapter,
    "internvl": InternVLAdapter,
    "paligemma": PaliGemmaAdapter,
    "gemma3": Gemma3Adapter,
}
"""By the `model_type` of a configuration."""


def find_family(config: Any, name: str) -> type[FamilyAdapter]:
    """The adapter class for a model's configuration: the family's own, or the generic one.

    Raises:
        ModelError: Not a decoder that takes images and writes text.
    """
    family = FAMILIES.get(config.model_type)
    if family is None and GenericAdapter.find_class(config) is not None:
        family = GenericAdapter
    if family is None:
        raise ModelError(
            name,
            expected=f"an architecture with an adapter ({', '.join(FAMILIES)}), or another decoder that sees images",
            found=f"model_type {config.model_type!r}",
            fix="name a model of one of these architectures",
        )
    return family


def build_adapter(processor: Any, config: Any, settings: ModelSettings, stops: Sequence[int] = ()) -> FamilyAdapter:
    """The adapter of a model that is already loaded. Raises ModelError for an architecture without one.

    Args:
        processor: The model's.
        config: The model's.
        settings: How it is prompted.
        stops: See `find_stops`.
    """
    return find_family(config, settings.name)(processor, config, settings, stops)


def find_stops(model: Any) -> tuple[int, ...]:
    """The tokens that end a turn by the model's `generation_config`, which often names more than its tokenizer does."""
    stated = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    return () if stated is None else (stated,) if isinstance(stated, int) else tuple(map(int, stated))
