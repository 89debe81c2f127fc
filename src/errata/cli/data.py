"""`errata data …`: bring preference data in, check it, look at it, take it out."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errata.cli import data_clean, data_shape, data_stats
from errata.cli.asides import report_bad_rows
from errata.cli.progress import show_progress
from errata.errors import DONE, INCOMPLETE, DataError

if TYPE_CHECKING:
    from errata.records import BadRow, Record


def add_parser(subparsers: Any) -> None:
    """Add `data` and its own verbs."""
    verb = subparsers.add_parser("data", help="import, check, shape, show, diff and export preference records")
    verbs = verb.add_subparsers(metavar="VERB", prog="errata data")
    verb.set_defaults(run=lambda _: verb.error("choose one of " + ", ".join(verbs.choices)))

    parser = verbs.add_parser("import", help="RLHF-V or TRL parquet to records and image files")
    parser.add_argument("source", type=Path, help="a .parquet file or a folder of them")
    parser.add_argument("--out", type=Path, required=True, help="folder for records.jsonl and images/")
    parser.add_argument("--license", help="licence of the rows, where the source names none")
    parser.add_argument("--skip-bad", action="store_true", help="set bad rows aside in bad.jsonl (exit code 3)")
    parser.set_defaults(run=run_import)

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

    parser = _add_reader(verbs, "export", "records to RLHF-V's parquet")
    parser.add_argument("--out", type=Path, required=True, help="the .parquet file to write")
    parser.add_argument("--image-root", type=Path, help="where image paths start (default: the file's folder)")
    parser.set_defaults(run=run_export)
    for group in (data_shape, data_clean, data_stats):
        group.add_parsers(verbs)


def _add_reader(verbs: Any, name: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=description)
    parser.add_argument("records", type=Path, help="a .jsonl file, or a folder that `errata data import` wrote")
    return parser


def run_import(args: argparse.Namespace) -> int:
    """Convert a foreign file."""
    from errata.data import import_records

    bad: list[BadRow] = []
    on_bad = bad.append if args.skip_bad else None
    with show_progress() as on_progress:
        records = import_records(args.source, args.out, license=args.license, on_bad=on_bad, on_progress=on_progress)
    print(f"{len(records)} records: {args.out / 'records.jsonl'}")
    return report_bad_rows(bad, args.out)


def run_check(args: argparse.Namespace) -> int:
    """Print every bad row and every finding, and how many of each kind."""
    from errata.data import check_records, load_records, make_printable

    bad: list[BadRow] = []
    loaded = load_records(_require_jsonl(args.records), args.image_root, on_bad=bad.append)
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


def run_export(args: argparse.Namespace) -> int:
    """Write RLHF-V's parquet and say what it could not hold."""
    from errata.data import load_records, write_rlhfv

    loaded = load_records(_require_jsonl(args.records), args.image_root)
    dropped = write_rlhfv(args.out, loaded.records, loaded.image_root)
    lost = ", ".join(f"{name} ({count})" for name, count in dropped.items() if count)
    print(f"{len(loaded.records)} records: {args.out}" + (f"; the format has no place for {lost}" if lost else ""))
    return DONE


def _read(path: Path) -> list[Record]:
    from errata.data import load_records

    return load_records(_require_jsonl(path)).records


def _require_jsonl(path: Path) -> Path:
    """The path, unless it is a parquet file: looking at data must not write image files beside it."""
    if path.suffix == ".parquet":
        fix = f"run `errata data import {path} --out DIR` first"
        raise DataError(str(path), expected="records as JSON lines", found="a parquet file", fix=fix)
    return path
