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
    add_judge_limits(parser)
    parser.add_argument("--judge-cache", type=Path, help="SQLite file of all verdicts (default: one for all runs)")
    parser.add_argument("--judge-offline", action="store_true", help="take verdicts from the cache alone")
    parser.add_argument("--prices", type=Path, help="your own table of prices")
    parser.add_argument(
        "--dry-run", action="store_true", help="print calls, tokens and cost of judging, and ask nobody"
    )


def add_judge_limits(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how long replies may be, how long they may take, and under which names they come."""
    parser.add_argument(
        "--judge-max-tokens",
        type=int,
        metavar="N",
        help="room for a reply of the judge, thoughts included (default: 8 to 2048, as its prompt needs; a reply that "
        "is cut off is asked for once more with 4 times as much, at least 4096)",
    )
    parser.add_argument(
        "--judge-reply-model",
        action="append",
        default=[],
        metavar="NAME",
        help="take replies under this name and the judge's own, and refuse others (default: take all, and report them)",
    )
    parser.add_argument("--judge-concurrency", type=int, metavar="N", help="requests at a time (default: 16)")
    parser.add_argument(
        "--judge-timeout-s", type=float, metavar="S", help="longest wait for one reply of the judge (default: 120)"
    )


def read_judge_endpoint(args: argparse.Namespace) -> Any:
    """The options of `add_judge_limits` as endpoint settings."""
    from errata.endpoints import EndpointSettings

    stated = {
        "concurrency": args.judge_concurrency,
        "timeout_s": args.judge_timeout_s,
        "reply_models": tuple(args.judge_reply_model) or None,
    }
    return EndpointSettings(**{name: value for name, value in stated.items() if value is not None})


def read_judge(args: argparse.Namespace) -> Any:
    """The options of `add_judge` as judge settings; None without --judge."""
    from errata.pipelines.evaluate import JudgeSettings

    if args.judge is None:
        return None
    return JudgeSettings(
        name=args.judge,
        samples=args.judge_samples,
        temperature=args.judge_temperature,
        max_pixels=args.judge_max_pixels,
        max_tokens=args.judge_max_tokens,
        endpoint=read_judge_endpoint(args),
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
