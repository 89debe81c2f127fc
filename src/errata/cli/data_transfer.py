"""`errata data import` and `errata data export`: foreign formats in, and out again."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errata.cli.asides import report_set_aside
from errata.cli.data_files import require_jsonl
from errata.cli.progress import show_progress
from errata.errors import ConfigError, count_noun

if TYPE_CHECKING:
    from errata.pipelines import OnProgress
    from errata.records import Record


def add_import(verbs: Any) -> None:
    """Add `data import`."""
    parser = verbs.add_parser("import", help="data of others to records and image files (docs/formats.md)")
    parser.add_argument(
        "data", metavar="source", help="a file, a folder of files, or owner/name of a data set on the Hub"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for records.jsonl and images/")
    parser.add_argument("--format", metavar="NAME", help="its format (default: recognised by its columns)")
    parser.add_argument(
        "--image-root", type=Path, metavar="DIR", help="where image paths start (default: the file's folder)"
    )
    parser.add_argument(
        "--columns",
        action="append",
        default=[],
        metavar="NAME=COLUMN",
        help="which column of a table, or field of a task, holds what: prompt=question,chosen=a,rejected=b,image=file",
    )
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="COLUMN",
        help="columns to leave out, with commas, where a row would be refused as they might hold an answer",
    )
    parser.add_argument("--split", default="train", help="of a data set on the Hub, or saved to disk (default: train)")
    parser.add_argument("--license", help="licence of the rows that state none themselves")
    parser.add_argument("--source", metavar="NAME", help="data set of the rows that state none")
    parser.add_argument("--skip-bad", action="store_true", help="set bad rows aside in bad.jsonl (exit code 3)")
    parser.add_argument("--allow-download", action="store_true", help="fetch images that rows name by a web address")
    parser.set_defaults(run=run_import)


def add_export(verbs: Any) -> None:
    """Add `data export`."""
    parser = verbs.add_parser("export", help="records to the formats of others, and to the Hub (docs/formats.md)")
    parser.add_argument("records", type=Path, help="a .jsonl file, or a folder that `errata data import` wrote")
    parser.add_argument("--format", metavar="NAME", required=True, help="the format to write")
    parser.add_argument(
        "--out", type=Path, required=True, help="the file to write, or a folder that is ready for the Hub"
    )
    parser.add_argument(
        "--image-root", type=Path, metavar="DIR", help="where image paths start (default: the file's folder)"
    )
    parser.add_argument("--skip-bad", action="store_true", help="set bad records aside in bad.jsonl (exit code 3)")
    parser.add_argument(
        "--push-to-hub", metavar="NAME", help="upload the folder as a data set owner/name, private where it is new"
    )
    parser.set_defaults(run=run_export)


def run_import(args: argparse.Namespace) -> int:
    """Convert foreign data."""
    from errata.data import describe_reading, import_records
    from errata.records import setting_aside

    with show_progress() as on_progress, setting_aside(args.out) as aside:
        done = import_records(
            args.data,
            args.out,
            format=args.format,
            image_root=args.image_root,
            license=args.license,
            from_source=args.source,
            columns=read_columns(args.columns),
            ignore=[name for names in args.ignore for name in names.split(",") if name],
            split=args.split,
            allow_download=args.allow_download,
            on_bad=aside.append if args.skip_bad else None,
            on_progress=on_progress,
        )
    print(f"{count_noun(done.records, 'record')}: {done.path}" + _list_lost(done.notes))
    for line in describe_reading(done.told, done.unread):
        print(line)
    if done.marked:
        verb = "holds" if done.marked == 1 else "hold"
        names = f"`errata data check {args.out}` names them, `--fix` repairs what is plain"
        print(f"{count_noun(done.marked, 'record')} {verb} another tool's markup; {names}")
    return report_set_aside(aside.count, aside.path)


def read_columns(texts: Sequence[str]) -> dict[str, str]:
    """`["prompt=question,chosen=a"]` as a map; a comma parts two where a name and = follow. Raises ConfigError."""
    columns: dict[str, str] = {}
    for part in (part for text in texts for part in re.split(r",(?=\w+=)", text)):
        name, sign, column = part.partition("=")
        if not (name and sign and column) or name in columns:
            found = f"{name} twice" if name in columns else repr(part)
            raise ConfigError(
                "--columns", expected="NAME=COLUMN, each name once", found=found, fix="see docs/formats.md"
            )
        columns[name] = column
    return columns


def run_export(args: argparse.Namespace) -> int:
    """Write a foreign format and say what it could not hold."""
    from errata.data import export_records, open_records, push_folder
    from errata.records import setting_aside

    if args.push_to_hub and args.out.suffix:
        expected, fix = "a folder as --out", "leave the ending out"
        raise ConfigError("--push-to-hub", expected=expected, found=str(args.out), fix=fix)
    path = require_jsonl(args.records)
    folder = args.out.parent if args.out.suffix else args.out
    with show_progress() as on_progress, setting_aside(folder) as aside:
        on_bad = aside.append if args.skip_bad else None
        records, root = open_records(path, args.image_root, on_bad=on_bad)
        watched = _watch(records, path, on_progress)
        done = export_records(watched, root, args.out, format=args.format, on_bad=on_bad)
    print(f"{count_noun(done.rows, 'row')}: {args.out}" + _list_lost(done.dropped))
    if args.push_to_hub:
        with show_progress() as on_progress:
            on_progress("uploading", 0, 1)
            uploaded = push_folder(args.out, args.push_to_hub)
        print(f"uploaded: {uploaded}")
    return report_set_aside(aside.count, aside.path)


def _watch(records: Iterable[Record], path: Path, on_progress: OnProgress) -> Iterator[Record]:
    """The records, told as they are taken; of a file whose records are not its lines only that it is under way."""
    from errata.data import RECORDS_FILE

    file = path / RECORDS_FILE if path.is_dir() else path
    with file.open("rb") as lines:
        total = sum(1 for _ in lines)
    for number, record in enumerate(records):
        on_progress("records", min(number, total - 1), total)
        yield record
    on_progress("records", total, total)


def _list_lost(counts: Mapping[str, int]) -> str:
    from errata.data import list_counts

    return f"; there is no place for {list_counts(counts)}" if counts else ""
