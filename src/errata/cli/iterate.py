"""`errata iterate CONFIG`: rounds of generate, feedback, train and evaluate."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from errata.errors import DONE, INCOMPLETE, INTERRUPTED, JudgeError, count_noun


def add_parser(subparsers: Any) -> None:
    """Add `iterate`."""
    parser = subparsers.add_parser(
        "iterate",
        help="align a model round by round on its own answers",
        description="Generate, compare claim by claim, train, evaluate, again; the same command continues.",
        epilog="example: errata iterate rounds/rlaifv model=FOLDER questions=FILE feedback.labeller=local:FOLDER",
    )
    parser.add_argument("config", help="a YAML file, or the name of a packaged recipe such as rounds/rlaifv")
    parser.add_argument("overrides", nargs="*", metavar="name=value", help="settings that replace the file's")
    parser.add_argument("--out", type=Path, help="the folder of all rounds")
    parser.add_argument("--fresh", action="store_true", help="start over where the folder holds rounds")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the rounds and print a line for each."""
    from errata.cli.progress import show_progress
    from errata.config import load_settings
    from errata.pipelines.iterate import IterateRun, iterate
    from errata.records import describe_reasons

    told = [*args.overrides, *([f"out={args.out}"] if args.out is not None else [])]
    settings = load_settings(IterateRun, args.config, told)
    try:
        with show_progress() as on_progress:
            done = iterate(settings, on_progress, fresh=args.fresh)
    except JudgeError as error:
        print(f"error: {error}", file=sys.stderr)
        return INCOMPLETE
    for one in done.rounds:
        print(f"round {one.number}: {_describe(one, settings.evaluation.metric)}")
        for name, reasons in one.complaints.items():
            for line in describe_reasons(reasons):
                print(f"  {name}: {line}")
    if done.stopped is None:
        print("interrupted; the same command continues")
        return INTERRUPTED
    print(f"stopped: {done.stopped}")
    print(f"best: {done.best.model}")
    print(f"report: {done.report}")
    if not done.complete:
        where = f"{settings.out}/round-N/feedback/bad.jsonl, round-N/evaluation/NAME/answers/*.failed.jsonl"
        print(f"questions that could not be asked, answered or judged: {where}", file=sys.stderr)
    return DONE if done.complete else INCOMPLETE


def _describe(one: Any, metric: str) -> str:
    """A round's pairs and questions without, its best checkpoint, and what it was measured by."""
    parts = [count_noun(one.counts["records"], "pair")] if one.counts else []
    if one.counts.get("failed"):
        parts.append(f"{count_noun(one.counts['failed'], 'question')} failed")
    missing = (
        f", {count_noun(one.best.missing, 'answer or verdict', 'answers or verdicts')} missing"
        if one.best.missing
        else ""
    )
    return ", ".join([*parts, f"{metric} {_format(one.best.metric)} ({one.best.name}{missing})"])


def _format(metric: Any) -> str:
    from errata.cli.metrics import format_metric

    return str(format_metric(metric))
