"""`errata bench list`: what `errata eval` can measure."""

from __future__ import annotations

import argparse
from typing import Any

from errata.errors import DONE

BENCHMARKS = {
    "chair": "hallucinated objects in descriptions: CHAIR_s, CHAIR_i, recall, length (arXiv 1809.02156)",
    "pope": "yes/no questions about objects, absent ones random, popular and adversarial (arXiv 2305.10355)",
}


def add_parser(subparsers: Any) -> None:
    """Add `bench`."""
    verb = subparsers.add_parser("bench", help="list the benchmarks")
    verb.set_defaults(run=lambda _: verb.error("choose: list"))
    verbs = verb.add_subparsers(metavar="VERB", prog="errata bench")
    verbs.add_parser("list", help="print every benchmark that `errata eval` knows").set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Print a line per benchmark."""
    for name, description in BENCHMARKS.items():
        print(f"{name:8}{description}")
    return DONE
