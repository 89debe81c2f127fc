"""`errata feedback experts RECORDS --models STRONG … WEAK`: levels from models of different size (AMP).

What methods share that ask models of different strength: how they are asked, and what became of the answers.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from errata.cli.feedback_folder import add_output, add_style, read_style, tell
from errata.cli.generate import MODEL, add_endpoint, add_sampling, read_endpoint, read_sampling

if TYPE_CHECKING:
    from errata.feedback import Feedback


def add_asking(parser: argparse.ArgumentParser) -> None:
    """The options that say how models are asked and what happens to answers that cannot be used."""
    help_text = "where a level has no answer: leave the prompt out, or the level (default: drop)"
    parser.add_argument("--missing", choices=("drop", "shorter"), default="drop", help=help_text)
    help_text = "answers cut off at --max-tokens: as if missing, or kept (default: missing)"
    parser.add_argument("--cut-off", choices=("missing", "keep"), default="missing", help=help_text)
    parser.add_argument(
        "--least", type=int, default=2, metavar="K", help="leave out what has fewer levels (default: 2)"
    )
    add_sampling(parser)
    add_endpoint(parser)


def read_asking(args: argparse.Namespace) -> Any:
    """The options of `add_asking` as settings."""
    from errata.feedback import LevelSettings
    from errata.pipelines.feedback import Asking

    levels = LevelSettings(args.missing, args.cut_off, args.least)
    return Asking(read_sampling(args), read_endpoint(args), levels)


def tell_experts(feedback: Feedback) -> None:
    """Print a line for each expert; its counts add up to the prompts."""
    for row in feedback.report["experts"]:
        counts = ", ".join(f"{count} {what}" for what, count in row.items() if what != "name")
        print(f"{row['name']}: {counts}")


def add_parser(verbs: Any) -> None:
    """Add `experts`, which AMP calls multi-size expert generation (`meg`)."""
    parser = verbs.add_parser(
        "experts",
        aliases=["meg"],
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
