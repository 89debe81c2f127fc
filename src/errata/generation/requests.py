"""A question as a request to an endpoint, and what such a run depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from errata.endpoints import ChatRequest
from errata.errors import ConfigError
from errata.generation.identity import digest_questions
from errata.generation.settings import GenerationSettings
from errata.records import Question


def check_settings(settings: GenerationSettings) -> None:
    """Raise ConfigError on decoding that the chat protocol has no words for: a server would ignore it silently."""
    unknown = {"num_beams": 1, "no_repeat_ngram_size": 0, "image_mode": None, "max_tiles": None}
    for name, default in unknown.items():
        if getattr(settings, name) != default:
            raise ConfigError(
                f"generation.{name}",
                expected=f"{default or 'nothing'} with an endpoint: its protocol cannot ask for another",
                found=repr(getattr(settings, name)),
                fix="leave it (or the protocol that sets it) out, or load the model here",
            )


def build_request(
    question: Question, images: tuple[Path, ...], settings: GenerationSettings, number: int, more_tokens: int = 0
) -> ChatRequest:
    """One round of a conversation; `number` counts rounds from 0, `more_tokens` are room for thoughts."""
    sampling = settings.temperature > 0
    return ChatRequest(
        question.id,
        question.prompt,
        images,
        max_tokens=settings.max_tokens + more_tokens,
        temperature=settings.temperature,
        top_p=settings.top_p if sampling else None,
        seed=_build_seed(settings.seed, question.id, number) if sampling else None,
        max_pixels=settings.max_pixels,
        min_pixels=settings.min_pixels,
        extra=_build_extra(settings),
    )


def _build_extra(settings: GenerationSettings) -> dict[str, Any]:
    """Fields of vLLM's and SGLang's, only where they are set: OpenAI refuses them."""
    extra: dict[str, Any] = {}
    if settings.repetition_penalty != 1:
        extra["repetition_penalty"] = settings.repetition_penalty
    if settings.thinking is not None:
        extra["chat_template_kwargs"] = {"enable_thinking": settings.thinking}
    return extra


def _build_seed(seed: int, name: str, number: int) -> int:
    """Its own for every question and round: samples of one question would be equal otherwise."""
    text = json.dumps([seed, name, number])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def describe_remote_run(model: str, questions: Sequence[Question], settings: GenerationSettings) -> dict[str, Any]:
    """What answers depend on. Not the addresses: a run may go on with more servers, or with others, of the model."""
    stated = asdict(settings)
    del stated["batch_size"]
    run = {"model": f"openai:{model}", "settings": stated, "questions": digest_questions(questions)}
    described: dict[str, Any] = json.loads(json.dumps(run))
    return described
