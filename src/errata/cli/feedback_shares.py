"""`errata feedback shares RECORDS MODEL --instructions FILE`: levels from copies tuned on growing shares (AMP)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from errata.cli.feedback_experts import add_asking, read_asking, tell_experts
from errata.cli.feedback_folder import add_output, add_style, read_style, tell
from errata.errors import INTERRUPTED


def add_parser(verbs: Any) -> None:
    """Add `shares`, which AMP calls incremental generation (`ig`)."""
    parser = verbs.add_parser(
        "shares",
        aliases=["ig"],
        help="standard answers above those of copies tuned on less and less data",
        description="Incremental generation: tune copies of a model on growing shares of instructions, ask them all.",
        epilog="example: errata feedback shares records MODEL num_train_epochs=1 --instructions llava.json --out out",
    )
    parser.add_argument("records", help="a .jsonl file of records, or a folder; the first response is the standard")
    parser.add_argument("model", help="the pretrained model: a checkpoint folder or a Hub name")
    parser.add_argument("overrides", nargs="*", metavar="name=value", help="settings that replace the recipe's")
    help_text = "what the copies learn: supervised records, or conversations in any format"
    parser.add_argument("--instructions", type=Path, required=True, help=help_text)
    parser.add_argument("--instruction-root", type=Path, help="where their image paths start (default: their folder)")
    parser.add_argument("--shares", type=int, default=3, metavar="N", help="copies, 1 to 3 (default: 3)")
    parser.add_argument(
        "--recipe", default="sft", help="a YAML file or a packaged recipe for `errata sft` (default: sft)"
    )
    add_asking(parser)
    add_style(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, ask, write the folder and print its counts."""
    from errata.cli.progress import show_progress
    from errata.data.shaping import find_records
    from errata.feedback import guard_style, write_feedback
    from errata.pipelines.incremental import collect_incremental_levels

    rule, asking, tuning = read_style(args), read_asking(args), _read_tuning(args)
    with show_progress() as on_progress:
        source = find_records(args.records, args.image_root)
        feedback = collect_incremental_levels(
            source, tuning, args.out, asking, fresh=args.fresh, on_progress=on_progress
        )
        if feedback is None:
            print(f"interrupted; the same command continues: {args.out}", file=sys.stderr)
            return INTERRUPTED
        feedback = guard_style(feedback, rule)
        folder = write_feedback(args.out, feedback, source.root, images=args.images)
    tell_experts(feedback)
    return tell(feedback, folder)


def _read_tuning(args: argparse.Namespace) -> Any:
    """The settings of the copies; one seed draws the shares and the answers."""
    from errata.pipelines.incremental import Tuning

    return Tuning(
        model=args.model,
        instructions=args.instructions,
        image_root=args.instruction_root,
        shares=args.shares,
        seed=args.seed or 0,
        recipe=args.recipe,
        overrides=tuple(args.overrides),
    )
