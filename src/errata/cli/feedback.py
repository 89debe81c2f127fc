"""`errata feedback …`: preferences without annotators."""

from __future__ import annotations

from typing import Any

from errata.cli import (
    feedback_check,
    feedback_claims,
    feedback_correct,
    feedback_experts,
    feedback_ratings,
    feedback_shares,
)

METHODS = [feedback_experts, feedback_shares, feedback_check, feedback_claims, feedback_ratings, feedback_correct]
"""The methods in the order that `errata feedback --help` shows them."""


def add_parser(subparsers: Any) -> None:
    """Add `feedback` and its methods."""
    verb = subparsers.add_parser("feedback", help="make preference records without annotators")
    verbs = verb.add_subparsers(metavar="METHOD", prog="errata feedback")
    verb.set_defaults(run=lambda _: verb.error("choose one of " + ", ".join(verbs.choices)))
    for method in METHODS:
        method.add_parser(verbs)
