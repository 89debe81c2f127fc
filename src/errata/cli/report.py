"""`errata report RUN`: a run's page, plots and table again from its `results.json`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from errata.errors import DONE


def add_parser(subparsers: Any) -> None:
    """Add `report`."""
    parser = subparsers.add_parser(
        "report",
        help="write a run's report again",
        description="Read results.json of a run folder, write plots/ and report.html, print the table.",
    )
    parser.add_argument("folder", type=Path, help="a run folder, such as runs/demo")
    parser.add_argument("--out", type=Path, help="where to write plots/ and report.html (default: the run folder)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the report and print the table."""
    import json

    from errata.reports import render_report, render_table

    page = render_report(args.folder, args.out)
    print(render_table(json.loads((args.folder / "results.json").read_text(encoding="utf-8"))))
    print(f"report: {page}")
    return DONE
