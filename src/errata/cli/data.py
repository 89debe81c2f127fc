"""`errata data …`: bring preference data in, check it, look at it, take it out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errata.cli import data_check, data_look
from errata.cli.asides import report_bad_rows
from errata.cli.progress import show_progress
from errata.errors import DONE, DataError

if TYPE_CHECKING:
    from errata.records import BadRow, Record


def add_parser(subparsers: Any) -> None:
    """Add `data` and its own verbs."""
    verb = subparsers.add_parser("data", help="import, check, show, browse, diff and export preference records")
    verb.set_defaults(run=lambda _: verb.error("choose one of import, check, show, browse, diff, export"))
    verbs = verb.add_subparsers(metavar="VERB", prog="errata data")

    parser = verbs.add_parser("import", help="RLHF-V or TRL parquet to records and image files")
    parser.add_argument("source", type=Path, help="a .parquet file or a folder of them")
    parser.add_argument("--out", type=Path, required=True, help="folder for records.jsonl and images/")
    parser.add_argument("--license", help="licence of the rows, where the source names none")
    parser.add_argument("--skip-bad", action="store_true", help="set bad rows aside in bad.jsonl (exit code 3)")
    parser.set_defaults(run=run_import)

    data_check.add_options(_add_reader(verbs, "check", "find, and repair, what training would trip over (exit code 3)"))
    data_look.add_show_options(_add_reader(verbs, "show", "print records with their corrections marked"))
    data_look.add_browse_options(_add_reader(verbs, "browse", "write records as one page to look through"))
    data_look.add_diff_options(
        verbs.add_parser("diff", help="show the segments of two texts, or find those of records")
    )

    parser = _add_reader(verbs, "export", "records to RLHF-V's parquet")
    parser.add_argument("--out", type=Path, required=True, help="the .parquet file to write")
    parser.add_argument("--image-root", type=Path, help="where image paths start (default: the file's folder)")
    parser.set_defaults(run=run_export)


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


def run_export(args: argparse.Namespace) -> int:
    """Write RLHF-V's parquet and say what it could not hold."""
    from errata.data import load_records, write_rlhfv

    loaded = load_records(require_jsonl(args.records), args.image_root)
    dropped = write_rlhfv(args.out, loaded.records, loaded.image_root)
    lost = ", ".join(f"{name} ({count})" for name, count in dropped.items() if count)
    print(f"{len(loaded.records)} records: {args.out}" + (f"; the format has no place for {lost}" if lost else ""))
    return DONE


def read_jsonl(path: Path) -> list[Record]:
    """The records of a file that is looked at."""
    from errata.data import load_records

    return load_records(require_jsonl(path)).records


def require_jsonl(path: Path) -> Path:
    """The path, unless it is a parquet file: looking at data must not write image files beside it."""
    if path.suffix == ".parquet":
        fix = f"run `errata data import {path} --out DIR` first"
        raise DataError(str(path), expected="records as JSON lines", found="a parquet file", fix=fix)
    return path
