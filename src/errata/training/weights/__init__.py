"""The weights of a run: which of them learn, what they begin with, and the checkpoints that keep them.

In: a model as it was given. Out: a model that learns what it should, and folders that can be trusted.
"""

from errata.training.weights.checkpoints import find_checkpoint, load_weights, require_checkpoint, writing
from errata.training.weights.parameters import (
    LORA_TARGETS,
    LoraSettings,
    choose_dtype,
    choose_trainable,
    require_adapters_alone,
    switch_off_dropout,
    vision_learns,
)
from errata.training.weights.starting import find_start, has_other_embeddings, prepare_start

__all__ = [
    "LORA_TARGETS",
    "LoraSettings",
    "choose_dtype",
    "choose_trainable",
    "find_checkpoint",
    "find_start",
    "has_other_embeddings",
    "load_weights",
    "prepare_start",
    "require_adapters_alone",
    "require_checkpoint",
    "switch_off_dropout",
    "vision_learns",
    "writing",
]
