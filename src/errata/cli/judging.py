"""The options that name a judge, and what a dry run prints."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from errata.errors import DONE


def add_judge(parser: argparse.ArgumentParser) -> None:
    """Add the options that say who judges, how often and from which cache."""
    parser.add_argument("--judge", help="openai:MODEL@URL[,URL…], local:MODEL or scripted:FILE")
    parser.add_argument(
        "--judge-samples", type=int, default=1, help="verdicts a call, for mean and spread (default: 1)"
    )
    parser.add_argument("--judge-temperature", type=float, default=0.0, help="of the judge (default: 0)")
    parser.add_argument(
        "--judge-max-pixels", type=int, metavar="N", help="show the judge pictures of at most so many pixels"
    )
    parser.add_argument("--judge-cache", type=Path, help="SQLite file of all verdicts (default: one for all runs)")
    parser.add_argument("--judge-offline", action="store_true", help="take verdicts from the cache alone")
    parser.add_argument("--prices", type=Path, help="your own table of prices")
    parser.add_argument(
        "--dry-run", action="store_true", help="print calls, tokens and cost of judging, and ask nobody"
    )


def read_judge(args: argparse.Namespace) -> Any:
    """The options of `add_judge` as judge settings; None without --judge."""
    from errata.pipelines.judging import JudgeSettings

    if args.judge is None:
        return None
    return JudgeSettings(
        name=args.judge,
        samples=args.judge_samples,
        temperature=args.judge_temperature,
        max_pixels=args.judge_max_pixels,
        cache=args.judge_cache,
        prices=args.prices,
        offline=args.judge_offline,
    )


def print_plan(plan: Mapping[str, Any]) -> int:
    """Print what judging each benchmark would cost."""
    for name, estimate in plan.items():
        lines = estimate.describe() if estimate is not None else ["calls     0: no judge is needed"]
        for line in lines:
            print(f"{name:20}{line}")
    return DONE
