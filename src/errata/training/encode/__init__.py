"""Records as tokens and token weights, made once before the first step.

In: what a caller hands over as model and data. Out: encoded records, and those that cannot be used with the reason.
"""

from errata.training.encode.encoding import (
    EncodedRecord,
    LoadCorrupted,
    LoadPixels,
    SetAside,
    key_image,
    refuse_corrupted,
)
from errata.training.encode.inputs import encode_dataset, resolve_model, resolve_reference

__all__ = [
    "EncodedRecord",
    "LoadCorrupted",
    "LoadPixels",
    "SetAside",
    "encode_dataset",
    "key_image",
    "refuse_corrupted",
    "resolve_model",
    "resolve_reference",
]
