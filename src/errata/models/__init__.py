"""One adapter per model family behind one protocol.

In: a model's name or folder, conversations, images, texts. Out: a loaded model, token ids, pixels, hidden states, and
the vectors of texts. Rows and attention belong to `trees`, sampling to `generation`, losses and optimisers to higher
rooms.
"""

from errata.models.adapters import find_adapter, require_in_layers
from errata.models.blocks import Block
from errata.models.encoded import NOT_TEXT, EncodedImage, EncodedPrompt, EncodedResponse
from errata.models.families import build_adapter, find_stops
from errata.models.generic import GenericAdapter
from errata.models.llava import LlavaAdapter
from errata.models.loading import check_model, load_model, quiet_transformers
from errata.models.merging import merge_adapter, merge_in_place, write_whole
from errata.models.pixels import PixelCache
from errata.models.processor_files import read_processor_files, write_processor_files
from errata.models.processors import ProcessorParts, load_processor
from errata.models.prompting import PROMPTING, write_prompting
from errata.models.protocol import Adapter, LoadedModel, ModelSettings, RowInputs
from errata.models.text_encoder import TextEncoder, TextVectors, load_text_encoder
from errata.models.text_only import TextModel, check_text_model, is_text_only, load_text_model
from errata.models.vocabulary import check_vocabulary

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
