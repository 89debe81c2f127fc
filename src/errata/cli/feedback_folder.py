"""What all methods of feedback share: the folder they write, and the table they end with."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from errata.errors import DONE, INCOMPLETE

if TYPE_CHECKING:
    from errata.feedback import Feedback, FeedbackFolder


def add_output(parser: argparse.ArgumentParser) -> None:
    """The options that say where things are and go."""
    parser.add_argument("--out", type=Path, required=True, help="the folder to write: records.jsonl and the images")
    parser.add_argument("--image-root", type=Path, help="where image paths start (default: the input's folder)")
    help_text = "how images come into the folder: hard links, copies, or not at all (default: link)"
    parser.add_argument("--images", choices=("link", "copy", "none"), default="link", help=help_text)


def tell(feedback: Feedback, folder: FeedbackFolder) -> int:
    """Print what became of the prompts and where things are; return the exit code."""
    for what, count in feedback.tally.count_rows():
        print(f"{count:8}  {what}")
    print(f"{len(feedback.records)} records: {folder.records}")
    print(f"how they came to be: {folder.summary}")
    if folder.bad is not None:
        print(f"{len(feedback.tally.dropped)} prompts without a record: {folder.bad}", file=sys.stderr)
    return INCOMPLETE if feedback.tally.failed else DONE
