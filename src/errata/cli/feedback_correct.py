"""`errata feedback correct RECORDS --judge …`: a judge's minimal corrections as pairs with segments."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errata.cli.feedback_folder import add_output, add_style, read_style, tell
from errata.cli.judging import add_judge, print_plan, read_judge

if TYPE_CHECKING:
    from errata.feedback import CorrectionSettings


def add_parser(verbs: Any) -> None:
    """Add `correct`."""
    parser = verbs.add_parser(
        "correct",
        help="a judge corrects answers in place",
        description="Have a judge correct answers with the fewest changes; the corrected text stands above the answer.",
    )
    parser.add_argument("source", help="records, whose lowest response is corrected; with --answers, questions")
    parser.add_argument("--answers", type=Path, help="JSON lines of answers, as `errata generate` writes them")
    help_text = "drop what changes more than this share of both texts (default: 0.75)"
    parser.add_argument("--max-edit", type=float, metavar="SHARE", help=help_text)
    add_judge(parser)
    add_style(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask the judge, write the folder and print its counts."""
    from errata.cli.progress import show_progress
    from errata.feedback import guard_style, write_feedback
    from errata.pipelines.feedback import collect_machine_corrections, find_source, plan_machine_corrections

    rule, settings = read_style(args), _read_settings(args)
    source = find_source(args.source, args.answers, args.image_root)
    if args.dry_run:
        return print_plan({"correct": plan_machine_corrections(source, args.answers, read_judge(args))})
    with show_progress() as on_progress:
        feedback = collect_machine_corrections(
            source, args.answers, args.out, read_judge(args), settings, on_progress=on_progress
        )
        feedback = guard_style(feedback, rule)
        folder = write_feedback(args.out, feedback, source.root, images=args.images)
    for kind, count in feedback.report["segments"].items():
        print(f"{count:8}  segments: {kind}")
    return tell(feedback, folder)


def _read_settings(args: argparse.Namespace) -> CorrectionSettings:
    from errata.feedback import CorrectionSettings

    return CorrectionSettings() if args.max_edit is None else CorrectionSettings(args.max_edit)
