"""Replies of a language model that sees no images, in batches."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch

from errata.errors import DataError
from errata.generation.answers import OnFailure
from errata.generation.local.decoding import build_config, without_defaults
from errata.generation.settings import GenerationSettings
from errata.models import TextModel, quiet_transformers
from errata.records import Answer, Question

BATCH = 8


def generate_text(
    loaded: TextModel, questions: Sequence[Question], settings: GenerationSettings, on_failure: OnFailure
) -> list[Answer]:
    """Answer every question, each a single message without an image, in their order.

    Where prompt and limit together are longer than the model's context, a reply gets what is left. `on_failure` is
    called with the id of a question that has an image, spells a special token or fills the context, and with the
    reason; it has no answer.
    """
    prompts: dict[str, list[int]] = {}
    for question in questions:
        try:
            prompts[question.id] = _encode(loaded, question)
        except DataError as error:
            on_failure(question.id, error)
    asked = [question for question in questions if question.id in prompts]
    ordered = sorted(asked, key=lambda question: (-len(prompts[question.id]), question.id))
    answers: dict[str, Answer] = {}
    for start in range(0, len(ordered), settings.batch_size or BATCH):
        batch = ordered[start : start + (settings.batch_size or BATCH)]
        answers |= _write(loaded, [(question.id, prompts[question.id]) for question in batch], settings)
    return [answers[question.id] for question in asked]


def _encode(loaded: TextModel, question: Question) -> list[int]:
    where = f"question {question.id!r}"
    if question.images:
        raise DataError(where, expected="no image", found=f"{len(question.images)}", fix="ask a model that sees")
    ids = loaded.encode(question.prompt[-1].text)
    if loaded.context is not None and len(ids) >= loaded.context:
        found = f"{len(ids)} tokens"
        raise DataError(where, expected=f"less than the context of {loaded.context}", found=found, fix="shorten it")
    return ids


def _write(
    loaded: TextModel, batch: Sequence[tuple[str, list[int]]], settings: GenerationSettings
) -> dict[str, Answer]:
    longest = max(len(ids) for _, ids in batch)
    room = settings.max_tokens if loaded.context is None else min(settings.max_tokens, loaded.context - longest)
    device = next(loaded.model.parameters()).device
    ids = torch.tensor([[loaded.pad_token_id] * (longest - len(one)) + one for _, one in batch], device=device)
    mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for _, one in batch], device=device)
    config = build_config(settings, loaded.eos_token_ids, loaded.pad_token_id, max_tokens=room)
    devices = [device] if device.type == "cuda" else []
    with quiet_transformers(), torch.inference_mode(), without_defaults(loaded.model), torch.random.fork_rng(devices):
        torch.manual_seed(_build_seed(settings.seed, [name for name, _ in batch]))
        output = loaded.model.generate(input_ids=ids, attention_mask=mask, generation_config=config)
    return {name: _read(loaded, name, row[longest:].tolist()) for (name, _), row in zip(batch, output, strict=True)}


def _read(loaded: TextModel, name: str, tokens: list[int]) -> Answer:
    end = next((place for place, token in enumerate(tokens) if token in loaded.eos_token_ids), None)
    return Answer(name, loaded.decode(tokens[:end]), loaded.name, finished=end is not None)


def _build_seed(seed: int, names: Sequence[str]) -> int:
    text = "\n".join([str(seed), *names])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
