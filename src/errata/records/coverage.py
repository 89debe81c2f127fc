"""How much was measured, in the words that commands print and pages show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from errata.errors import count_noun
from errata.records.missing import describe_reasons

_ODD = {
    "empty": "empty",
    "cut": "cut off at the limit of tokens",
    "reasoned": "with thoughts, which were set aside",
    "endless": "whose thoughts never ended",
    "refused": "refused",
    "failed": "of those missing with a failed call in their row",
    "uncaptioned": "about images without captions_val2014.json, which is half of the ground truth",
    "left_out": "left out, about images that the answer file does not have",
    "stand_ins": "about synthetic stand-ins for their images, which measure nothing",
}
"""Counts that are named where there are any."""


def describe_coverage(coverage: Mapping[str, Any], *, judged: bool = False) -> str:
    """How many were measured and, also where there are none, how many are missing or unreadable; then what is odd.

    Args:
        coverage: The counts of one benchmark, as `results.json` has them.
        judged: Name verdicts even where none is missing.
    """
    questions, answered = (coverage.get(name, 0) for name in ("questions", "answered"))
    parts = [f"{answered} of {questions} answered", f"{questions - answered} missing"]
    unjudged, unreadable, cut = (coverage.get(name, 0) for name in ("unjudged", "unreadable", "truncated"))
    if judged or unjudged or unreadable:
        told = f" ({cut} of them cut off at the judge's limit of tokens)" if cut else ""
        parts += [f"{unjudged} without a verdict", f"{count_noun(unreadable, 'verdict')} unreadable{told}"]
    return ", ".join([*parts, *(f"{coverage[name]} {what}" for name, what in _ODD.items() if coverage.get(name))])


def describe_details(coverage: Mapping[str, Any]) -> list[str]:
    """As lines: why things are missing, and what is odd about the answers."""
    return describe_reasons(coverage.get("reasons", [])) + describe_answered(coverage)


def describe_answered(answered: Mapping[str, Any]) -> list[str]:
    """As lines: which models answered where they are several, and what servers did not take as it was asked."""
    models = answered.get("models", {})
    several = ", ".join(f"{name} {count}" for name, count in models.items())
    lines = [f"answers of several models: {several}"] if len(models) > 1 else []
    return lines + describe_changes(answered.get("changes", []), "answer", "answers")


def describe_changes(changes: Sequence[Mapping[str, Any]], noun: str, plural: str) -> list[str]:
    """What of requests a server did not take as it was asked."""
    return [f"{one['parameter']}: {one['change']} ({count_noun(one['replies'], noun, plural)})" for one in changes]
