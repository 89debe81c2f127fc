"""`errata data stats`: what a file of records holds, as a table, plots and a page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errata.cli.asides import report_bad_rows
from errata.cli.data_shape import open_records, with_progress
from errata.errors import DONE, INCOMPLETE

if TYPE_CHECKING:
    from errata.records import BadRow


def add_parsers(verbs: Any) -> None:
    """Add `stats`."""
    parser = verbs.add_parser("stats", help="count types, segments, lengths, edits, sources, levels and licences")
    parser.add_argument("records", type=Path, help="a .jsonl file of records, or a folder with records.jsonl")
    parser.add_argument("--out", type=Path, help="folder for stats.json, plots/ and stats.html")
    parser.add_argument("--skip-bad", action="store_true", help="leave bad records out (exit code 3)")
    parser.set_defaults(run=with_progress(run), image_root=None)


def run(args: argparse.Namespace) -> int:
    """Print the table; with --out, write the page."""
    import json

    from errata.data.shaping import collect_stats
    from errata.records import write_text
    from errata.reports import render_stats_page, render_stats_table

    bad: list[BadRow] = []
    source = open_records(args)
    stats = collect_stats(source.read(bad.append if args.skip_bad else None))
    print(render_stats_table(stats))
    if args.out is None:
        print(f"{len(bad)} bad records left out" if bad else "", end="\n" if bad else "")
        return INCOMPLETE if bad else DONE
    write_text(args.out / "stats.json", json.dumps(stats, ensure_ascii=False, indent=1) + "\n")
    page = render_stats_page(stats, args.out, title=source.root.name or "Records")
    print(f"numbers: {args.out / 'stats.json'}\nplots: {args.out / 'plots'}\npage: {page}")
    return report_bad_rows(bad, args.out)
