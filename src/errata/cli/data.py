"""`errata data …`: bring preference data in, check it, look at it, take it out."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errata.cli.data_files import require_jsonl
from errata.cli.data_transfer import add_export, add_import
from errata.cli.progress import show_progress
from errata.errors import DONE, INCOMPLETE, DataError

if TYPE_CHECKING:
    from errata.records import BadRow, Record


def add_parser(subparsers: Any) -> None:
    """Add `data` and its own verbs."""
    verb = subparsers.add_parser("data", help="import, check, show, diff and export preference records")
    verb.set_defaults(run=lambda _: verb.error("choose one of import, check, show, diff, export"))
    verbs = verb.add_subparsers(metavar="VERB", prog="errata data")

    add_import(verbs)

    parser = _add_reader(verbs, "check", "find broken images, duplicates and other problems (exit code 3)")
    parser.add_argument("--image-root", type=Path, help="where image paths start (default: the file's folder)")
    parser.set_defaults(run=run_check)

    parser = _add_reader(verbs, "show", "print records with their corrections marked")
    parser.add_argument("--id", action="append", help="only this record; may be repeated")
    parser.add_argument("--limit", type=int, default=5, help="how many (default: 5)")
    parser.set_defaults(run=run_show)

    parser = _add_reader(verbs, "diff", "find the segments that worse answers lack, by a word-level difference")
    parser.add_argument("--out", type=Path, required=True, help="the file of records to write")
    parser.add_argument("--replace", action="store_true", help="also replace segments that are there, with their types")
    parser.set_defaults(run=run_diff)

    add_export(verbs)


def _add_reader(verbs: Any, name: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=description)
    parser.add_argument("records", type=Path, help="a .jsonl file, or a folder that `errata data import` wrote")
    return parser


def run_check(args: argparse.Namespace) -> int:
    """Print every bad row and every finding, and how many of each kind."""
    from errata.data import check_records, load_records, make_printable

    bad: list[BadRow] = []
    loaded = load_records(require_jsonl(args.records), args.image_root, on_bad=bad.append)
    with show_progress() as on_progress:
        findings = check_records(loaded.records, loaded.image_root, on_progress=on_progress)
    for row in bad:
        print(make_printable(f"row: {row.reason}"))
    for finding in findings:
        print(make_printable(f"{finding.kind}: {finding.where}: {finding.message}"))
    counts = Counter(["row"] * len(bad) + [finding.kind for finding in findings])
    summary = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    print(f"{len(loaded.records)} records, {summary or 'nothing found'}")
    return INCOMPLETE if counts else DONE


def run_show(args: argparse.Namespace) -> int:
    """Print a few records."""
    from errata.data import render_record

    records = _read(args.records)
    if args.id:
        known = {record.id: record for record in records}
        for name in args.id:
            if name not in known:
                raise DataError(str(args.records), expected="an id of it", found=repr(name), fix="check the id")
        records = [known[name] for name in args.id]
    chosen = records if args.id else records[: max(args.limit, 0)]
    print("\n\n".join(render_record(record) for record in chosen))
    print(f"{len(chosen)} of {len(records)} records", file=sys.stderr)
    return DONE


def run_diff(args: argparse.Namespace) -> int:
    """Write the records with their segments found."""
    from errata.data import find_segments
    from errata.records import write_records

    records = find_segments(_read(args.records), replace_all=args.replace)
    write_records(args.out, records)
    count = sum(len(response.segments) for record in records for response in record.responses)
    print(f"{len(records)} records with {count} segments: {args.out}")
    return DONE


def _read(path: Path) -> list[Record]:
    from errata.data import load_records

    return load_records(require_jsonl(path)).records
