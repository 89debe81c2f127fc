"""`errata compare RUN_A RUN_B`: paired differences of two runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from errata.errors import DONE, count_noun


def add_parser(subparsers: Any) -> None:
    """Add `compare`."""
    parser = subparsers.add_parser(
        "compare",
        help="compare two runs item by item",
        description="Differences of every metric over the items that both measured, with paired 95 % intervals and p.",
    )
    parser.add_argument("before", metavar="RUN_A", type=Path, help="a folder that eval, score or demo wrote")
    parser.add_argument("after", metavar="RUN_B", type=Path, help="another")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file that takes the comparison")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare, and print a table with the p of every difference."""
    from errata.cli.metrics import describe_coverage
    from errata.pipelines.compare_runs import compare_runs
    from errata.reports import render_table

    content = compare_runs(args.before, args.after, args.out)
    print(render_table(content, tested=True))
    for benchmark, shared in content["shared"].items():
        alone = shared["only_before"], shared["only_after"]
        left_out = f", left out {alone[0]} and {alone[1]} that only one run has" if sum(alone) else ""
        print(f"{benchmark}: {count_noun(shared['items'], 'item')}{left_out}")
    for run, coverage in content["coverage"].items():
        for benchmark, counts in coverage.items():
            print(f"{run}, {benchmark}: {describe_coverage(benchmark, counts)}")
    print(f"comparison: {args.out}")
    return DONE
