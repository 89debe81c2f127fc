"""`errata data stats`: what a file of records holds, as a table, plots and a page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errata.cli.asides import report_set_aside
from errata.cli.progress import show_progress
from errata.cli.shaper import open_records
from errata.errors import DONE, INCOMPLETE, count_noun

if TYPE_CHECKING:
    from errata.data import OnBad


def add_parsers(verbs: Any) -> None:
    """Add `stats`."""
    parser = verbs.add_parser("stats", help="count types, segments, lengths, edits, sources, levels and licences")
    parser.add_argument("records", type=Path, help="a .jsonl file of records, or a folder with records.jsonl")
    parser.add_argument("--out", type=Path, help="folder for stats.json, plots/ and stats.html")
    parser.add_argument("--skip-bad", action="store_true", help="leave bad records out (exit code 3)")
    parser.set_defaults(run=run, image_root=None)


def run(args: argparse.Namespace) -> int:
    """Print the table; with --out, write the page."""
    from errata.records import setting_aside

    if args.out is None:
        places: list[str] = []
        print_stats(args, lambda row: places.append(row.where))
        if places:
            print(f"{count_noun(len(places), 'bad record')} left out")
        return INCOMPLETE if places else DONE
    with setting_aside(args.out) as aside:
        write_page(args, print_stats(args, aside.append))
    return report_set_aside(aside.count, aside.path)


def print_stats(args: argparse.Namespace, on_bad: OnBad) -> dict[str, Any]:
    """The numbers, printed as a table."""
    from errata.data.shaping import collect_stats
    from errata.reports import render_stats_table

    with show_progress() as args.on_progress:
        stats = collect_stats(open_records(args).read(on_bad if args.skip_bad else None))
    print(render_stats_table(stats))
    return stats


def write_page(args: argparse.Namespace, stats: dict[str, Any]) -> None:
    """The numbers as JSON, and the page with its plots."""
    import json

    from errata.reports import render_stats_page
    from errata.storage import write_text

    write_text(args.out / "stats.json", json.dumps(stats, ensure_ascii=False, indent=1) + "\n")
    page = render_stats_page(stats, args.out, title=open_records(args).root.name or "Records")
    print(f"numbers: {args.out / 'stats.json'}\nplots: {args.out / 'plots'}\npage: {page}")
