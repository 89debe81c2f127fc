"""A batch of prompts -> new tokens -> texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, GenerationMixin, StoppingCriteriaList

from errata.generation.local.batches import FeatureCache, Prompt, pad_left
from errata.generation.local.thinking import ThinkingRoom, find_mark, read_all, read_tokens
from errata.generation.settings import GenerationSettings
from errata.models import LoadedModel, quiet_transformers
from errata.trees import evaluating


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote after a prompt: text, tokens (the end token counts), and whether it came to an end."""

    text: str
    tokens: int
    finished: bool


class Decoder:
    """Runs batches of one model with one way of decoding."""

    def __init__(self, loaded: LoadedModel, settings: GenerationSettings) -> None:
        self._loaded, self._features = loaded, FeatureCache(loaded)
        adapter = loaded.adapter
        self._room = settings.thinking_tokens if settings.num_beams == 1 else 0
        self._max_tokens = settings.max_tokens
        room = settings.max_tokens + self._room
        self._config = build_config(settings, adapter.eos_token_ids, adapter.pad_token_id, max_tokens=room)
        self._ends = frozenset(loaded.adapter.eos_token_ids)
        self._known: dict[tuple[int, ...], str] = {}

    def write(self, batch: Sequence[Prompt], seed: int) -> list[Written]:
        """What the model writes after each prompt; sampling begins from `seed`."""
        marks = [find_mark(self._loaded, prompt.encoded.input_ids) for prompt in batch]
        return [self._read(row, mark) for row, mark in zip(self._run(batch, seed, marks), marks, strict=True)]

    def _run(self, batch: Sequence[Prompt], seed: int, marks: Sequence[str]) -> list[list[int]]:
        loaded = self._loaded
        inputs = pad_left(batch, loaded.adapter.pad_token_id, loaded.device)
        masks = loaded.adapter.mask_inputs(inputs["input_ids"], inputs["input_ids"].shape[1])
        read = partial(read_all, loaded)
        room = ThinkingRoom(inputs["input_ids"].shape[1], marks, read, self._max_tokens) if self._room else None
        stopping = {"stopping_criteria": StoppingCriteriaList([room])} if room else {}
        devices = [loaded.device] if loaded.device.type == "cuda" else []
        with (
            quiet_transformers(),
            torch.inference_mode(),
            evaluating(loaded.model),
            without_defaults(loaded.model),
            torch.random.fork_rng(devices),
        ):
            torch.manual_seed(seed)
            output: Tensor = loaded.model.generate(
                **inputs, **masks, **self._features.build_inputs(batch), **stopping, generation_config=self._config
            )
        new: list[list[int]] = output[:, inputs["input_ids"].shape[1] :].tolist()
        return new

    def _read(self, tokens: list[int], mark: str) -> Written:
        """The text up to the first end token, behind the thought that the prompt began; unfinished if there is none."""
        end = next((place for place, token in enumerate(tokens) if token in self._ends), None)
        words = tuple(tokens[:end])
        if words not in self._known:  # short answers repeat, so each sequence is decoded once
            self._known[words] = read_tokens(self._loaded, words)
        text = self._known[words]
        return Written(f"{mark}\n{text}" if mark else text, len(words) + (end is not None), end is not None)


@contextmanager
def without_defaults(model: Any) -> Iterator[None]:
    """Hide the generation settings that came with the model, which would fill whatever a run leaves open."""
    owner = next(module for module in model.modules() if isinstance(module, GenerationMixin))
    own = owner.generation_config
    owner.generation_config = GenerationConfig()
    try:
        yield
    finally:
        owner.generation_config = own


def build_config(
    settings: GenerationSettings, ends: Sequence[int], pad: int, *, max_tokens: int | None = None
) -> GenerationConfig:
    """How transformers is told to decode; `max_tokens` where it is another limit than that of the settings."""
    sampling: dict[str, Any] = {"do_sample": settings.temperature > 0}
    if settings.temperature > 0:
        sampling |= {"temperature": settings.temperature, "top_p": settings.top_p, "top_k": 0}
    return GenerationConfig(
        max_new_tokens=max_tokens or settings.max_tokens,
        num_beams=settings.num_beams,
        repetition_penalty=settings.repetition_penalty,
        no_repeat_ngram_size=settings.no_repeat_ngram_size,
        eos_token_id=list(ends),
        pad_token_id=pad,
        use_cache=True,
        **sampling,
    )
