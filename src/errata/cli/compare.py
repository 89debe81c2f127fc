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
    parser.add_argument("--out", type=Path, help="a JSON file that takes the comparison (default: it is printed alone)")
    help_text = "compare even what was measured with another measure (prompts of the judge, vocabulary, ground truth)"
    parser.add_argument("--anyway", action="store_true", help=help_text)
    parser.set_defaults(run=run)


def describe_conditions(content: dict[str, Any]) -> list[str]:
    """What the runs differ in besides their models, and whose answers or verdicts are of several."""
    conditions = [f"  {one['text']}" for one in content["conditions"]]
    if conditions:
        what = count_noun(len(conditions), "thing")
        conditions = [
            f"not only the models differ, but {what} that a change may stem from (before | after):",
            *conditions,
        ]
    return conditions + [f"{run}, {line}" for run, lines in content["models"].items() for line in lines]


def run(args: argparse.Namespace) -> int:
    """Compare, and print a table with the p of every difference."""
    from errata.cli.metrics import name_coverage
    from errata.pipelines.compare import compare_runs
    from errata.records import describe_details
    from errata.reports import render_table

    content = compare_runs(args.before, args.after, args.out, anyway=args.anyway)
    print(render_table(content, tested=True))
    for line in describe_conditions(content):
        print(line)
    for benchmark, shared in content["shared"].items():
        alone = shared["only_before"], shared["only_after"]
        left_out = f", left out {alone[0]} and {alone[1]} that only one run has" if sum(alone) else ""
        print(f"{benchmark}: {count_noun(shared['items'], 'item')}{left_out}")
    for run, coverage in content["coverage"].items():
        for benchmark, counts in coverage.items():
            print(f"{run}, {benchmark}: {name_coverage(benchmark, counts)}")
            for line in describe_details({**counts, "models": {}}):  # listed above
                print(f"  {line}")
    if args.out is not None:
        print(f"comparison: {args.out}")
    return DONE
