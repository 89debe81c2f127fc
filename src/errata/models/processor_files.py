"""What lies beside a model's weights for its processor, so that a trained model has all of it too.

Our parts of a processor write their own settings, and processors of today write one file where others look for several.
Without the rest other tools compute another number of image tokens, or do not find what they read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers.utils import cached_file

from errata.models.protocol import ModelSettings
from errata.records import storing

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
