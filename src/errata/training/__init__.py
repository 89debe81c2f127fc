"""Records to weights: batching, the trainer, which parameters learn, checkpoints, and one run from a settings file.

In: preference records and a model. Out: a folder with checkpoints, the log and the trained model or adapter, which
transformers and PEFT load. What a loss is belongs to `objectives`, how a row is computed to `trees`; nothing here
prints, and no foreign format is read here (`data`).
"""

from errata.training.divergence import DivergedError
from errata.training.encode import SetAside
from errata.training.run import SftRun, TrainResult, TrainRun, train
from errata.training.settings import PreferenceConfig
from errata.training.trainer import PreferenceTrainer
from errata.training.weights import LORA_TARGETS, LoraSettings, find_checkpoint, find_start

__all__ = [
    "LORA_TARGETS",
    "DivergedError",
    "LoraSettings",
    "PreferenceConfig",
    "PreferenceTrainer",
    "SetAside",
    "SftRun",
    "TrainResult",
    "TrainRun",
    "find_checkpoint",
    "find_start",
    "train",
]
