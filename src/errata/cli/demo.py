"""`errata demo`: the whole circle on the synthetic world."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from errata.errors import DONE, INCOMPLETE, INTERRUPTED


def add_parser(subparsers: Any) -> None:
    """Add `demo`."""
    parser = subparsers.add_parser(
        "demo",
        help="the whole circle in a minute: measure, correct, align, measure, report",
        description="Correct a tiny LLaVA's descriptions of synthetic scenes, align it with Dense DPO, and show what "
        "that did to its hallucinations. A run that was stopped continues with the same command.",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="the run's folder (default: runs/demo)")
    parser.add_argument("--seed", type=int, default=0, help="of scenes, sampling and training (default: 0)")
    parser.add_argument("--quick", action="store_true", help="less of everything; wide intervals")
    parser.add_argument("--compare", action="store_true", help="also DPO, SFT on the corrections, and a control")
    parser.add_argument("--corrections", type=int, metavar="N", help="align with N of the corrections only")
    parser.add_argument(
        "--split",
        choices=["evaluation", "validation"],
        default="evaluation",
        help="scenes to measure on; settings are chosen on validation (default: evaluation)",
    )
    parser.add_argument("--fresh", action="store_true", help="start over where the folder holds a run")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo and print the table, then where everything is."""
    from errata.cli.progress import show_progress
    from errata.pipelines.demo import DemoSettings, run_demo
    from errata.reports import render_table

    settings = DemoSettings(
        out=args.out,
        seed=args.seed,
        quick=args.quick,
        compare=args.compare,
        corrections=args.corrections,
        split=args.split,
    )
    with show_progress() as on_progress:
        result = run_demo(settings, on_progress, fresh=args.fresh)
    if result is None:
        print("interrupted; the same command continues", file=sys.stderr)
        return INTERRUPTED
    print(render_table(result.results))
    for label, path in result.paths().items():
        print(f"{label:12}{path}")
    return DONE if result.complete else INCOMPLETE
