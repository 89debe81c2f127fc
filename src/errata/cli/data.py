"""`errata data …`: bring preference data in, check it, look at it, take it out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from errata.cli import data_check, data_clean, data_look, data_shape, data_stats
from errata.cli.data_transfer import add_export, add_import


def add_parser(subparsers: Any) -> None:
    """Add `data` and its own verbs."""
    verb = subparsers.add_parser("data", help="import, check, look at, shape and export preference records")
    verbs = verb.add_subparsers(metavar="VERB", prog="errata data")
    verb.set_defaults(run=lambda _: verb.error("choose one of " + ", ".join(verbs.choices)))

    add_import(verbs)

    data_check.add_options(_add_reader(verbs, "check", "find, and repair, what training would trip over (exit code 3)"))
    data_look.add_show_options(_add_reader(verbs, "show", "print records with their corrections marked"))
    data_look.add_browse_options(_add_reader(verbs, "browse", "write records as one page to look through"))
    data_look.add_diff_options(
        verbs.add_parser("diff", help="show the segments of two texts, or find those of records")
    )

    for group in (data_shape, data_clean, data_stats):
        group.add_parsers(verbs)
    add_export(verbs)


def _add_reader(verbs: Any, name: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=description)
    parser.add_argument("records", type=Path, help="a .jsonl file, or a folder that `errata data import` wrote")
    return parser
