"""`errata world study NAME`: what a method does on the synthetic world, over several seeds."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from errata.errors import DONE, count_noun

STUDIES = ("mdpo", "mdpo-equal-sets", "auto-check", "divide-and-conquer", "scaling", "best-of-n")
"""The packaged ones."""

SHARES = ("chair_s", "chair_i", "recall", "drop", "kept", "agreement", "rejected", "accepted")
"""Numbers whose names hold one of these are shares."""


def add_study(verbs: Any) -> None:
    """Add `study` to the verbs of `world`."""
    parser = verbs.add_parser(
        "study",
        help="measure what a method does, over several seeds",
        description="Run the conditions of a study with every seed; the same command continues.",
    )
    parser.add_argument("study", help=f"a YAML file, or one of {', '.join(STUDIES)}")
    parser.add_argument("overrides", nargs="*", metavar="name=value", help="settings that replace the file's")
    parser.add_argument("--seeds", default="0,1,2,3,4", help="separated by commas (default: 0,1,2,3,4)")
    parser.add_argument(
        "--split", choices=["evaluation", "validation"], default="evaluation", help="scenes to measure on"
    )
    parser.add_argument("--out", type=Path, required=True, help="gets study.json, and a folder for every seed")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the study and print its table."""
    from errata.cli.progress import show_progress
    from errata.config import load_settings
    from errata.pipelines.study import WorldStudy, run_study

    name = f"world/{args.study}" if args.study in STUDIES else args.study
    study = load_settings(WorldStudy, name, args.overrides)
    seeds = [_read_seed(text) for text in args.seeds.split(",")]
    with show_progress() as on_progress:
        summary = run_study(study, seeds, args.out, split=args.split, on_progress=on_progress)
    print(f"{study.title}, {count_noun(len(seeds), 'seed')}: mean and 95 % interval")
    print(render_table(summary))
    print(f"study: {args.out / 'study.json'}")
    return DONE


def _read_seed(text: str) -> int:
    from errata.errors import ConfigError

    if not text.strip().isdecimal():
        raise ConfigError("--seeds", expected="numbers separated by commas", found=repr(text), fix="write 0,1,2")
    return int(text)


def render_table(summary: Mapping[str, Mapping[str, Any]]) -> str:
    """The conditions as rows of a Markdown table, the numbers as columns."""
    columns = list(dict.fromkeys(name for row in summary.values() for name in row))
    rows = [["condition", *columns], ["---", *(["---:"] * len(columns))]]
    for name, found in summary.items():
        rows.append([name, *(_format(column, found.get(column)) for column in columns)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _format(name: str, found: Any) -> str:
    if found is None:
        return "–"
    scale = 100 if any(part in name for part in SHARES) else 1
    digits = 2 if name == "kendall_tau" else 1
    shown = f"{found.mean * scale:.{digits}f}"
    if found.low is None:
        return shown
    return f"{shown} ({found.low * scale:.{digits}f} to {found.high * scale:.{digits}f})"
