"""`errata train RECIPE` and `errata sft RECIPE`: records to weights."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from errata.errors import DONE, INCOMPLETE, INTERRUPTED, count_noun


def add_parser(subparsers: Any) -> None:
    """Add `train` and `sft`, which differ in what their settings allow."""
    parser = subparsers.add_parser(
        "train",
        help="align a model with preference records",
        description="Train as a recipe says; the same command continues a run that was stopped.",
        epilog="example: errata train recipes/ddpo.yaml model.name=FOLDER data=records.jsonl --out runs/ddpo",
    )
    _add_options(parser, "ddpo")
    parser.set_defaults(run=run)
    parser = subparsers.add_parser(
        "sft",
        help="fine-tune a model on conversations",
        description="Learn every answer of the conversations; the same command continues a run that was stopped.",
        epilog="example: errata sft recipes/sft.yaml model.name=FOLDER data=llava.json image_root=DIR --out runs/sft",
    )
    _add_options(parser, "sft")
    parser.set_defaults(run=run_sft)


def _add_options(parser: argparse.ArgumentParser, recipe: str) -> None:
    parser.add_argument("recipe", help=f"a YAML file, or the name of a packaged recipe such as {recipe}")
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="name=value",
        help="settings that replace the recipe's, such as model.max_pixels=1000000, the largest picture: docs/train.md",
    )
    parser.add_argument("--out", type=Path, help="the run's folder")
    parser.add_argument("--fresh", action="store_true", help="start over where the folder holds a run")
    parser.add_argument("--skip-bad", action="store_true", help="set unusable records aside in bad.jsonl (exit code 3)")


def run(args: argparse.Namespace) -> int:
    """Train with any objective."""
    from errata.training import TrainRun

    return _train(TrainRun, args)


def run_sft(args: argparse.Namespace) -> int:
    """Train with an objective that compares nothing."""
    from errata.training import SftRun

    return _train(SftRun, args)


def _train(settings_class: Any, args: argparse.Namespace) -> int:
    """Train and print where the model is."""
    from errata.cli.progress import show_progress
    from errata.config import load_settings
    from errata.records import BAD_FILE
    from errata.training import find_checkpoint, train

    settings = load_settings(settings_class, args.recipe, list_overrides(args))
    if sys.stderr.isatty():
        result = train(settings)
    else:  # bars and logs are for somebody who watches
        with show_progress() as on_progress:
            result = train(settings, on_progress)
    if result.tree_check:
        print(result.tree_check, file=sys.stderr)
    if result.set_aside:
        print(f"{count_noun(len(result.set_aside), 'record')} set aside: {result.out / BAD_FILE}", file=sys.stderr)
    steps = count_noun(result.steps, "step")
    if result.interrupted:
        again = "continues" if find_checkpoint(result.out) else "starts over, as save_strategy is no"
        print(f"interrupted after {steps}; the same command {again}: {result.out}", file=sys.stderr)
        return INTERRUPTED
    print(f"{steps}: {result.model}")
    return INCOMPLETE if result.set_aside else DONE


def list_overrides(args: argparse.Namespace) -> list[str]:
    """The overrides of the command line, its flags last."""
    flags = {"fresh=true": args.fresh, "skip_bad=true": args.skip_bad, f"out={args.out}": args.out is not None}
    return [*args.overrides, *(flag for flag, given in flags.items() if given)]
