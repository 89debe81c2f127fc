"""`errata feedback meg RECORDS --models STRONG … WEAK`: levels from models of different size (AMP)."""

from __future__ import annotations

import argparse
from typing import Any

from errata.cli.feedback_experts import add_asking, read_asking, tell_experts
from errata.cli.feedback_folder import add_output, add_style, read_style, tell
from errata.cli.generate import MODEL


def add_parser(verbs: Any) -> None:
    """Add `meg`."""
    parser = verbs.add_parser(
        "meg",
        help="standard answers above those of models, strong to weak",
        description="Multi-size expert generation: one answer of each model below the standard answer.",
    )
    parser.add_argument("records", help="a .jsonl file of records, or a folder; the first response is the standard")
    parser.add_argument("--models", nargs="+", required=True, metavar="MODEL", help=f"1 to 4, strong to weak: {MODEL}")
    add_asking(parser)
    add_style(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask the models, write the folder and print its counts."""
    from errata.cli.progress import show_progress
    from errata.data.shaping import find_records
    from errata.feedback import guard_style, write_feedback
    from errata.pipelines.feedback import collect_expert_levels

    rule, asking = read_style(args), read_asking(args)
    with show_progress() as on_progress:
        source = find_records(args.records, args.image_root)
        feedback = collect_expert_levels(
            source, args.models, args.out, asking, fresh=args.fresh, on_progress=on_progress
        )
        feedback = guard_style(feedback, rule)
        folder = write_feedback(args.out, feedback, source.root, images=args.images)
    tell_experts(feedback)
    return tell(feedback, folder)
