"""Load what turns images into pixels and text into tokens.

What lies beside a model's weights for its processor, so that a trained model has all of it too.

Our parts of a processor write their own settings, and processors of today write one file where others look for several.
Without the rest other tools compute another number of image tokens, or do not find what they read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer, ProcessorMixin
from transformers.utils import cached_file

from errata.errors import ModelError
from errata.models.families import find_family
from errata.models.generic import GenericAdapter
from errata.models.placement import first_line
from errata.models.protocol import ModelSettings
from errata.storage import storing


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


_WHOLE, _IMAGES = "processor_config.json", "preprocessor_config.json"
NAMES = (
    _WHOLE,  # image_seq_len, num_image_tokens, how features are chosen
    _IMAGES,
    "video_preprocessor_config.json",
    "chat_template.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
)
"""Files that a processor's own `save_pretrained` may leave out."""


def read_processor_files(settings: ModelSettings) -> dict[str, bytes]:
    """Those files of `NAMES` that a model's folder, or the Hub, has."""
    options: dict[str, Any] = {
        "revision": settings.revision,
        "_raise_exceptions_for_gated_repo": False,
        "_raise_exceptions_for_missing_entries": False,
        "_raise_exceptions_for_connection_errors": False,
    }
    found = {name: cached_file(settings.name, name, **options) for name in NAMES}
    return {name: Path(path).read_bytes() for name, path in found.items() if path is not None}


def write_processor_files(folder: str | Path, files: Mapping[str, bytes], processor: Any) -> None:
    """Write what saving the processor has left out. Raises StorageError.

    Args:
        folder: Where the processor was saved.
        files: What lay beside the model it was loaded from.
        processor: Its image processor's settings go before those inside a file of the whole.
    """
    with storing(folder):
        for name, content in files.items():
            path = Path(folder) / name
            if name == _IMAGES:
                path.write_bytes(_renew_images(content, processor))
            elif not path.exists():
                path.write_bytes(_renew_whole(content, processor) if name == _WHOLE else content)


def _renew_whole(content: bytes, processor: Any) -> bytes:
    """The settings of a whole processor, those of its image processor as they are now."""
    stated = _read_object(content)
    if "image_processor" not in stated:
        return content
    stated["image_processor"] = _describe_images(processor)
    return _write_object(stated)


def _renew_images(content: bytes, processor: Any) -> bytes:
    """The settings of an image processor as they are now; where nothing else differs, the file as it was.

    An adapter's folder has no `config.json`: there the class of the whole processor is found by its name in this file.
    """
    stated, own = _read_object(content), _describe_images(processor)
    if all(name in stated and stated[name] == value for name, value in own.items()):
        return content
    return _write_object(own | {name: stated[name] for name in ("processor_class",) if name in stated})


def _describe_images(processor: Any) -> dict[str, Any]:
    return dict(json.loads(processor.image_processor.to_json_string()))


def _read_object(content: bytes) -> dict[str, Any]:
    """A file's settings; none of a file that cannot be read, which is nobody's to mend."""
    try:
        stated = json.loads(content)
    except ValueError:
        return {}
    return stated if isinstance(stated, dict) else {}


def _write_object(stated: dict[str, Any]) -> bytes:
    return (json.dumps(stated, indent=2, ensure_ascii=False) + "\n").encode()
