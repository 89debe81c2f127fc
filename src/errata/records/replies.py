"""What is odd about replies of servers, counted, as results keep it and commands print it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from errata.records.preference import Answer

CHANGES = "changes"
"""Key in an answer's `meta`: what of its requests a server did not take as it was asked, in words by parameter."""


def count_changes(changes: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """What of requests was not taken as it was asked: by parameter the commonest change, and in how many replies.

    Other models that replied are listed one by one.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for one in changes:
        for name, change in one.items():
            found.setdefault((name, change if name == "model" else ""), []).append(change)
    return [
        {"parameter": name, "change": Counter(told).most_common(1)[0][0], "replies": len(told)}
        for (name, _), told in sorted(found.items())
    ]


def describe_answers(answers: Sequence[Answer]) -> dict[str, Any]:
    """`models`: the names that answers give of their model, with how many give each; `changes` as `count_changes`."""
    models = Counter(answer.model for answer in answers if answer.model)
    return {
        "models": dict(models.most_common()),
        CHANGES: count_changes(answer.meta.get(CHANGES, {}) for answer in answers),
    }
