"""One adapter per model family behind one protocol.

In: a model's name or folder, conversations, images, texts. Out: a loaded model, token ids, pixels, hidden states, and
the vectors of texts. Rows and attention belong to `trees`, sampling to `generation`, losses and optimisers to higher
rooms.
"""

from errata.models.adapters import find_adapter, require_in_layers
from errata.models.encoded import NOT_TEXT, Block, EncodedImage, EncodedPrompt, EncodedResponse
from errata.models.families import LlavaAdapter, build_adapter, find_stops
from errata.models.generic import GenericAdapter
from errata.models.loading import (
    check_model,
    load_model,
    merge_adapter,
    merge_in_place,
    quiet_transformers,
    write_whole,
)
from errata.models.pixels import PixelCache
from errata.models.processors import ProcessorParts, load_processor, read_processor_files, write_processor_files
from errata.models.prompting import PROMPTING, write_prompting
from errata.models.protocol import Adapter, LoadedModel, ModelSettings, RowInputs
from errata.models.special_tokens import check_vocabulary
from errata.models.text_encoder import TextEncoder, TextVectors, load_text_encoder
from errata.models.text_only import TextModel, check_text_model, is_text_only, load_text_model

__all__ = [
    "NOT_TEXT",
    "PROMPTING",
    "Adapter",
    "Block",
    "EncodedImage",
    "EncodedPrompt",
    "EncodedResponse",
    "GenericAdapter",
    "LlavaAdapter",
    "LoadedModel",
    "ModelSettings",
    "PixelCache",
    "ProcessorParts",
    "RowInputs",
    "TextEncoder",
    "TextModel",
    "TextVectors",
    "build_adapter",
    "check_model",
    "check_text_model",
    "check_vocabulary",
    "find_adapter",
    "find_stops",
    "is_text_only",
    "load_model",
    "load_processor",
    "load_text_encoder",
    "load_text_model",
    "merge_adapter",
    "merge_in_place",
    "quiet_transformers",
    "read_processor_files",
    "require_in_layers",
    "write_processor_files",
    "write_prompting",
    "write_whole",
]
