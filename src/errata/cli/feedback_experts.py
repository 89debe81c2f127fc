"""What methods share that ask models of different strength: how they are asked, and what became of the answers."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from errata.cli.generate import add_endpoint, add_sampling, read_endpoint, read_sampling

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
