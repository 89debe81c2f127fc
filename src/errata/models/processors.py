"""Load what turns images into pixels and text into tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer, ProcessorMixin

from errata.errors import ModelError
from errata.models.families import find_family
from errata.models.generic import GenericAdapter
from errata.models.placement import first_line
from errata.models.protocol import ModelSettings


@dataclass(frozen=True, slots=True)
class ProcessorParts:
    """A processor without its part for videos, which would need torchvision; saved as files that load the same way."""

    image_processor: Any
    tokenizer: Any

    def save_pretrained(self, folder: str | Path) -> None:
        """Write image settings, tokenizer and chat template."""
        self.image_processor.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def load_processor(settings: ModelSettings, config: Any) -> Any:
    """The processor beside a model of this configuration, with an `image_processor` and a fast `tokenizer`.

    Raises:
        ModelError: It cannot be read, lacks a part, or means another image token than the model.
    """
    whole = find_family(config, settings.name).whole_processor
    try:
        processor = _load_whole(settings) if whole else _load_parts(settings)
    except Exception as error:  # the Hub, JSON and the processor classes raise many types
        raise ModelError(
            settings.name,
            expected="a processor beside the model",
            found=first_line(error),
            fix="save the processor into the model folder",
        ) from None
    if not hasattr(processor, "image_processor") or not getattr(processor.tokenizer, "is_fast", False):
        raise ModelError(
            settings.name,
            expected="a processor of images with a fast tokenizer",
            found=type(processor).__name__,
            fix="save the model's processor into its folder",
        )
    if not issubclass(find_family(config, settings.name), GenericAdapter):  # which compares more than this
        _check_image_token(settings, config, processor)
    return processor


def _load_whole(settings: ModelSettings) -> Any:
    return AutoProcessor.from_pretrained(settings.name, revision=settings.revision)


def _load_parts(settings: ModelSettings) -> ProcessorParts:
    images = AutoImageProcessor.from_pretrained(settings.name, revision=settings.revision)
    tokenizer = AutoTokenizer.from_pretrained(settings.name, revision=settings.revision)
    # The tokenizer's own template can be that of the text model before it learned to see.
    stated = ProcessorMixin.get_processor_dict(settings.name, revision=settings.revision)[0].get("chat_template")
    if isinstance(stated, dict):  # several by name
        stated = stated.get("default")
    tokenizer.chat_template = stated or tokenizer.chat_template
    return ProcessorParts(images, tokenizer)


def _check_image_token(settings: ModelSettings, config: Any, processor: Any) -> None:
    """Images would silently be read as words if the two meant different tokens."""
    token_id = getattr(config, find_family(config, settings.name).image_marker)
    known = processor.tokenizer.convert_ids_to_tokens(token_id)
    stated = getattr(processor, "image_token", known)
    if known is None or known != stated:
        raise ModelError(
            settings.name,
            expected=f"the processor's image token, {stated!r}, at image_token_index {token_id}",
            found=repr(known),
            fix="use the processor that belongs to the model",
        )
