"""How answers are decoded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

from errata.errors import ConfigError
from errata.images import ImageMode, check_limits


@dataclass(frozen=True, slots=True)
class GenerationSettings:
    """Decoding settings; whatever the model's own generation_config.json says is not used.

    Args:
        max_tokens: At most this many tokens per answer, the end token included.
        thinking_tokens: Room for a model's thoughts beside these, used by none that does not think. A beam search has
            none.
        thinking: Whether the model is to think before it answers, for templates that ask (`enable_thinking`); None
            leaves it to the model. Endpoints are told it as vLLM and SGLang take it, in `chat_template_kwargs`.
        temperature: 0 takes the likeliest token; above 0 samples.
        top_p: Sample from the smallest set of tokens with this much probability.
        num_beams: Above 1, beam search.
        repetition_penalty: 1 is none.
        no_repeat_ngram_size: No sequence of this many tokens occurs twice in prompt and answer; 0 allows all.
        batch_size: Questions at a time; None takes as many as fit `KV_CACHE_MB` of keys and values, at most 128.
        seed: The same seed, questions and settings give the same answers on the same machine. Sampling is seeded per
            batch, from the seed and the batch's question ids, so another batch size samples other answers.
        image_mode, max_pixels, min_pixels, max_tiles: As in `ModelSettings`; None leaves them to the model. To an
            endpoint pictures are sent within `max_pixels` and `min_pixels`.
    """

    max_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    num_beams: int = 1
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    batch_size: int | None = None
    seed: int = 0
    image_mode: ImageMode | None = None
    max_pixels: int | None = None
    min_pixels: int | None = None
    max_tiles: int | None = None
    thinking_tokens: int = 4096
    thinking: bool | None = None

    def __post_init__(self) -> None:
        _check("max_tokens", self.max_tokens, self.max_tokens >= 1, "at least 1")
        _check("thinking_tokens", self.thinking_tokens, self.thinking_tokens >= 0, "0 or more")
        _check("temperature", self.temperature, 0 <= self.temperature < math.inf, "0 or more")
        _check("top_p", self.top_p, 0 < self.top_p <= 1, "above 0 and at most 1")
        _check("num_beams", self.num_beams, self.num_beams >= 1, "at least 1")
        good_penalty = 0 < self.repetition_penalty < math.inf
        _check("repetition_penalty", self.repetition_penalty, good_penalty, "above 0")
        _check("no_repeat_ngram_size", self.no_repeat_ngram_size, self.no_repeat_ngram_size >= 0, "0 or more")
        _check("batch_size", self.batch_size, self.batch_size is None or self.batch_size >= 1, "at least 1, or null")
        check_limits("generation", self)
        modes = (None, *get_args(ImageMode))
        _check("image_mode", self.image_mode, self.image_mode in modes, "null, 'processor' or 'pad'")


def _check(name: str, value: object, good: bool, rule: str) -> None:
    if not good:
        raise ConfigError(f"generation.{name}", expected=rule, found=repr(value), fix="change the setting")
