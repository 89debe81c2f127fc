"""Several answers to one question: the question asked several times, under ids of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from errata.errors import ConfigError
from errata.generation.settings import GenerationSettings
from errata.records import Question

_NAMES = ("sample_of", "sample")


def repeat_questions(questions: Sequence[Question], samples: int, settings: GenerationSettings) -> list[Question]:
    """Every question `samples` times, as `ID#1`, `ID#2`, …; with one sample, the questions as they are.

    Answers to these carry `meta` `{"sample_of": ID, "sample": 1, …}`.

    Raises:
        ConfigError: Less than one sample, or several where decoding would give the same answer again.
    """
    if samples < 1:
        raise ConfigError("samples", expected="at least 1", found=str(samples), fix="change the setting")
    if samples == 1:
        return list(questions)
    if settings.temperature == 0:
        raise ConfigError(
            "samples",
            expected="a temperature above 0: without it every answer is the likeliest one",
            found=f"{samples} samples at temperature 0",
            fix="set a temperature (RLAIF-V samples at 0.7) or ask for one answer",
        )
    return [
        replace(
            question, id=f"{question.id}#{number}", meta=question.meta | {"sample_of": question.id, "sample": number}
        )
        for question in questions
        for number in range(1, samples + 1)
    ]


def describe_sample(question: Question) -> dict[str, Any]:
    """Which sample of which question this is, for the answer's `meta`; empty of a question that is asked once."""
    return {name: question.meta[name] for name in _NAMES if name in question.meta}
