"""Decoding as the evaluations of published work did it, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from errata.errors import ConfigError
from errata.generation.settings import GenerationSettings

PROTOCOLS: Mapping[str, GenerationSettings] = MappingProxyType(
    {
        # Muffin's evaluation of RLHF-V (arXiv 2312.00849). It also passes a temperature, which beams do not use.
        "rlhfv": GenerationSettings(max_tokens=1024, num_beams=3, repetition_penalty=1.1),
        # RLAIF-V (arXiv 2405.17220), Object HalBench and MMHal-Bench.
        "rlaifv": GenerationSettings(max_tokens=1024, num_beams=3),
        # AMP (arXiv 2405.11165), all its evaluations; for POPE with max_tokens=16.
        "amp": GenerationSettings(max_tokens=512, num_beams=4, no_repeat_ngram_size=5, image_mode="pad"),
    }
)
"""Beams, penalties, lengths and padding of images. What the model is told around a question (its template and system
prompt) stays the model's own."""


def build_settings(protocol: str | None = None, **stated: Any) -> GenerationSettings:
    """The settings of a protocol, or the defaults, with what is stated beside it.

    Args:
        protocol: A name of `PROTOCOLS`.
        **stated: Fields of `GenerationSettings`; None leaves a field to the protocol.

    Raises:
        ConfigError: No such protocol, or a value that a field cannot have.
    """
    if protocol is not None and protocol not in PROTOCOLS:
        raise ConfigError(
            "protocol", expected=f"one of {', '.join(PROTOCOLS)}", found=repr(protocol), fix="choose one of them"
        )
    base = GenerationSettings() if protocol is None else PROTOCOLS[protocol]
    return replace(base, **{name: value for name, value in stated.items() if value is not None})
