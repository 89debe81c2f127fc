"""Which run answers belong to: what they depend on, as values that JSON gives back unchanged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch

from errata.generation.identity import digest_questions
from errata.generation.settings import GenerationSettings
from errata.models import LoadedModel
from errata.records import Question

WEIGHTS_SAMPLED = 256
"""Numbers of each tensor that tell two models of one name apart."""


def describe_run(loaded: LoadedModel, questions: Sequence[Question], settings: GenerationSettings) -> dict[str, Any]:
    """The model with its weights and its encoding, the settings, and a digest of the questions."""
    run = {
        "model": loaded.name,
        "weights": _sample_weights(loaded.model),
        "encoding": loaded.adapter.describe(),
        "settings": asdict(settings),
        "questions": digest_questions(questions),
    }
    described: dict[str, Any] = json.loads(json.dumps(run))
    return described


def _sample_weights(model: torch.nn.Module) -> str:
    """A digest of a few numbers of every tensor: another model under the same name is noticed.

    Hashing all of billions of weights would outlast short runs.
    """
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        flat = value.detach().reshape(-1)
        some = flat[:: max(1, len(flat) // WEIGHTS_SAMPLED)].to(torch.float32).cpu()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(some.numpy().tobytes())
    return digest.hexdigest()[:20]
