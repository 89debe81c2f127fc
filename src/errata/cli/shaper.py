"""What all verbs share that read records and write a folder of them: options, progress, rows that are set aside."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errata.cli.asides import report_set_aside
from errata.cli.progress import show_progress
from errata.errors import count_noun

if TYPE_CHECKING:
    from errata.data.shaping import RecordFile, RecordFolder


def add_shaper(verbs: Any, name: str, description: str, run: Any) -> argparse.ArgumentParser:
    """A verb that reads one file of records and writes a folder."""
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=description, description=description)
    parser.add_argument("records", type=Path, help="a .jsonl file of records, or a folder with records.jsonl")
    add_output(parser)
    parser.set_defaults(run=as_verb(run))
    return parser


def as_verb(run: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace], int]:
    """The verb with a bar for every file that it reads, and with `bad.jsonl` for the rows that it sets aside.

    `open_records` takes the bar from `args.on_progress`; `args.on_bad` is None without `--skip-bad`.
    """

    def run_verb(args: argparse.Namespace) -> int:
        from errata.records import setting_aside

        with show_progress() as args.on_progress, setting_aside(args.out) as aside:
            args.on_bad = aside.append if args.skip_bad else None
            run(args)
        return report_set_aside(aside.count, aside.path)

    return run_verb


def add_output(parser: argparse.ArgumentParser) -> None:
    """The options of every verb that writes a folder of records."""
    parser.add_argument("--out", type=Path, required=True, help="the folder to write: records.jsonl and the images")
    parser.add_argument("--image-root", type=Path, help="where image paths start (default: the file's folder)")
    help_text = "how images come into the folder: hard links, copies, or not at all (default: link)"
    parser.add_argument("--images", choices=("link", "copy", "none"), default="link", help=help_text)
    parser.add_argument("--skip-bad", action="store_true", help="set bad records aside in bad.jsonl (exit code 3)")


def add_seed(parser: argparse.ArgumentParser) -> None:
    """The option `--seed`."""
    parser.add_argument("--seed", type=int, default=0, help="another number, another choice (default: 0)")


def add_look(parser: argparse.ArgumentParser, description: str, default: int | None) -> None:
    """The option `--look-distance`."""
    parser.add_argument("--look-distance", type=_read_bits, metavar="BITS", default=default, help=description)


def _read_bits(text: str) -> int:
    bits = int(text)
    if not 0 <= bits <= 32:
        raise argparse.ArgumentTypeError(f"{bits} is not between 0 and 32")
    return bits


def open_records(args: argparse.Namespace) -> RecordFile:
    """The file that a verb reads."""
    from errata.data.shaping import find_records

    return find_records(args.records, args.image_root, args.on_progress)


def tell(folder: RecordFolder) -> None:
    """Say how many records were written and where."""
    print(f"{count_noun(folder.count, 'record')}: {folder.records}")
