"""`errata feedback ratings RECORDS`: levels from ratings, ties kept."""

from __future__ import annotations

import argparse
from typing import Any

from errata.cli.feedback_folder import add_output, add_style, read_style, tell
from errata.cli.levelling import add_levelling, read_levelling


def add_parser(verbs: Any) -> None:
    """Add `ratings`."""
    description = "sort rated responses into levels, ties kept"
    parser = verbs.add_parser("ratings", help=description, description=description)
    parser.add_argument("records", help="a .jsonl file of records with ratings in meta, or a folder with records.jsonl")
    add_levelling(parser)
    parser.add_argument(
        "--least", type=int, default=2, metavar="K", help="leave out what has fewer levels (default: 2)"
    )
    add_style(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the folder and print its counts."""
    from errata.cli.progress import show_progress
    from errata.data.shaping import find_records, require_folder
    from errata.feedback import build_rated_levels, guard_style, write_feedback

    rule = read_style(args)
    with show_progress() as on_progress:
        source = find_records(args.records, args.image_root, on_progress)
        require_folder(args.out, source)
        feedback = build_rated_levels(source.read(), read_levelling(args), least=args.least)
        feedback = guard_style(feedback, rule)
        folder = write_feedback(args.out, feedback, source.root, images=args.images)
    return tell(feedback, folder)
