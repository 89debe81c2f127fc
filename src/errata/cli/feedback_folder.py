"""What all methods of feedback share: the folder they write, the guard of style, and the tables they end with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errata.errors import DONE, INCOMPLETE, count_noun

if TYPE_CHECKING:
    from errata.feedback import Feedback, FeedbackFolder, Style, StyleRule


def add_output(parser: argparse.ArgumentParser) -> None:
    """The options that say where things are and go."""
    parser.add_argument("--out", type=Path, required=True, help="the folder to write: records.jsonl and the images")
    parser.add_argument("--image-root", type=Path, help="where image paths start (default: the input's folder)")
    help_text = "how images come into the folder: hard links, copies, or not at all (default: link)"
    parser.add_argument("--images", choices=("link", "copy", "none"), default="link", help=help_text)


def add_style(parser: argparse.ArgumentParser, balance: str = "none") -> None:
    """The options that drop answers for their length; `balance` is the default of one of them."""
    parser.add_argument(
        "--max-length-factor",
        type=float,
        metavar="F",
        help="drop what is over F times as long as the best, or as short",
    )
    parser.add_argument(
        "--length-balance",
        choices=("extremes", "lengths", "shares", "none"),
        default=balance,
        help="extremes: drop the longest or the shortest answers until best and lower ones are equally long; RLAIF-V's "
        "rule, lengths or shares: drop those that are much longer than the best, until mean lengths, or the shares of "
        f"longer and shorter best answers, are nearest (default: {balance})",
    )


def read_style(args: argparse.Namespace) -> StyleRule:
    """The options of `add_style` as a rule."""
    from errata.feedback import StyleRule

    return StyleRule(args.max_length_factor, None if args.length_balance == "none" else args.length_balance)


def tell(feedback: Feedback, folder: FeedbackFolder) -> int:
    """Print what became of the prompts, how levels differ in style and where things are; return the exit code."""
    from errata.records import describe_reasons

    for what, count in feedback.tally.count_rows():
        print(f"{count:8}  {what}")
    for line in describe_style(folder.style):
        print(line)
    print(f"{count_noun(len(feedback.records), 'record')}: {folder.records}")
    print(f"how they came to be: {folder.summary}")
    if folder.bad is not None:
        print(f"{count_noun(len(feedback.tally.dropped), 'prompt')} without a record: {folder.bad}", file=sys.stderr)
    for line in describe_reasons(feedback.list_reasons()):
        print(f"  {line}", file=sys.stderr)
    for line in describe_replies(feedback.report):
        print(line, file=sys.stderr)
    return INCOMPLETE if feedback.tally.failed or feedback.lost else DONE


def describe_replies(report: Mapping[str, Any]) -> list[str]:
    """What is odd about replies: names of other models, replies cut off, what servers did not take as it was asked."""
    from errata.cli.metrics import describe_judge
    from errata.records import describe_answered

    answered = report.get("answered", {}).items()
    lines = [f"{who}: {line}" for who, answers in answered for line in describe_answered(answers)]
    judges = {"splitter": "splitter", "labeller": "labeller", "judging": "judge"}
    for name, title in judges.items():
        lines += [f"{title}: {line}" for line in describe_judge(report.get(name, {}))]
    return lines


def describe_style(style: Style) -> list[str]:
    """The style of levels as lines: a row for each level, and how far length and words give the better one away."""
    if not style.pairs:
        return []
    lines = [f"{'level':>8}  {'answers':>8}  {'words':>7}  {'characters':>10}  {'changed':>7}"]
    for row in style.levels:
        numbers = f"{row.responses:8}  {row.words:7.1f}  {row.characters:10.1f}  {row.edit_ratio:7.0%}"
        lines.append(f"{row.level:8}  {numbers}")
    longer = f"longer in {style.better_longer:.0%} of {count_noun(style.pairs, 'pair')}"
    better = f"{longer}, shorter in {style.better_shorter:.0%}"
    lines.append(f"the better answer is {better}")
    if style.guessed_by_length is not None:
        guessed = f"by length {style.guessed_by_length:.0%}, by words {style.guessed_by_words:.0%}"
        lines.append(f"style alone finds it: {guessed} (chance is 50%)")
    for side, words in (("better", style.words_of_better), ("worse", style.words_of_worse)):
        if words:
            lines.append(f"words of the {side}: {', '.join(one.word for one in words)}")
    return lines
