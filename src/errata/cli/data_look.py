"""`errata data show`, `browse` and `diff`: records, and differences, for people to look at."""

from __future__ import annotations

import argparse
import errno
import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from errata.cli.progress import show_progress
from errata.errors import DONE, ConfigError, DataError, count_noun


def add_show_options(parser: argparse.ArgumentParser) -> None:
    """The options of `show`."""
    parser.add_argument("--id", action="append", help="only this record; may be repeated")
    parser.add_argument("--limit", type=int, default=5, help="how many (default: 5)")
    parser.add_argument("--width", type=int, help="columns to fill (default: the terminal's; 0: never side by side)")
    _add_color(parser)
    parser.set_defaults(run=run_show)


def add_browse_options(parser: argparse.ArgumentParser) -> None:
    """The options of `browse`."""
    parser.add_argument("--out", type=Path, required=True, help="the .html file to write")
    parser.add_argument("--image-root", type=Path, help="where image paths start (default: the file's folder)")
    parser.add_argument("--limit", type=int, help="only so many records, from the beginning")
    parser.add_argument("--thumbnail-px", type=int, default=256, help="longest side of a picture (default: 256)")
    parser.set_defaults(run=run_browse)


def add_diff_options(parser: argparse.ArgumentParser) -> None:
    """The options of `diff`."""
    parser.add_argument("records", metavar="RECORDS | A", help="a file or folder of records; or a text, or its file")
    parser.add_argument("corrected", nargs="?", metavar="B", help="the corrected text, or its file: show the segments")
    parser.add_argument("--out", type=Path, help="the file of records to write")
    parser.add_argument("--replace", action="store_true", help="also replace segments that are there, with their types")
    parser.add_argument("--json", action="store_true", help="print the segments of two texts as JSON")
    _add_color(parser)
    parser.set_defaults(run=run_diff)


def run_show(args: argparse.Namespace) -> int:
    """Print a few records."""
    from errata.cli.data_files import read_jsonl
    from errata.data import render_legend, render_record

    records = read_jsonl(args.records)
    if args.id:
        known = {record.id: record for record in records}
        for name in args.id:
            if name not in known:
                raise DataError(str(args.records), expected="an id of it", found=repr(name), fix="check the id")
        records = [known[name] for name in args.id]
    chosen = records if args.id else records[: max(args.limit, 0)]
    width = (shutil.get_terminal_size().columns if sys.stdout.isatty() else 0) if args.width is None else args.width
    color = _wants_color(args)
    print("\n\n".join(render_record(record, color=color, width=width) for record in chosen))
    if color:
        print(f"\n{render_legend()}")
    print(f"{len(chosen)} of {count_noun(len(records), 'record')}", file=sys.stderr)
    return DONE


def run_browse(args: argparse.Namespace) -> int:
    """Write the page."""
    from errata.cli.data_files import require_jsonl
    from errata.data import load_records, write_browse_page

    loaded = load_records(require_jsonl(args.records), args.image_root)
    records = loaded.records[: args.limit if args.limit is None else max(args.limit, 0)]
    with show_progress() as on_progress:
        missing = write_browse_page(
            args.out, records, loaded.image_root, title=str(args.records), px=args.thumbnail_px, on_progress=on_progress
        )
    lost = f" ({count_noun(missing, 'image')} cannot be opened: `errata data check` names them)" if missing else ""
    print(f"{len(records)} of {count_noun(len(loaded.records), 'record')}: {args.out}{lost}")
    return DONE


def run_diff(args: argparse.Namespace) -> int:
    """Show the segments of two texts, or write records with theirs found."""
    if args.corrected is None:
        return _fill_records(args)
    if args.out or args.replace:
        found = f"{'--out' if args.out else '--replace'} beside two texts"
        fix = "leave it out, or name a file of records alone"
        raise ConfigError("errata data diff", expected="two texts to show", found=found, fix=fix)
    from errata.corrections import diff_segments
    from errata.data import render_difference

    original, corrected = _read_text(args.records), _read_text(args.corrected)
    segments = diff_segments(original, corrected)
    if args.json:
        sides = [
            {"text": original[s.start : s.end], "better": corrected[s.better_start : s.better_end]} for s in segments
        ]
        print(json.dumps([asdict(s) | side for s, side in zip(segments, sides, strict=True)], indent=1))
        return DONE
    print(render_difference(original, corrected, segments, color=_wants_color(args)))
    for s in segments:
        own, better = original[s.start : s.end], corrected[s.better_start : s.better_end]
        print(f"  {s.start}:{s.end} {_quote(own)} -> {s.better_start}:{s.better_end} {_quote(better)}")
    print(f"{count_noun(len(segments), 'segment')}", file=sys.stderr)
    return DONE


def _fill_records(args: argparse.Namespace) -> int:
    from errata.cli.data_files import read_jsonl
    from errata.data import find_segments
    from errata.records import write_records

    if args.out is None:
        fix = "add --out FILE, or a second text to compare with"
        raise ConfigError("errata data diff", expected="where to write the records", found="no --out", fix=fix)
    records = find_segments(read_jsonl(Path(args.records)), replace_all=args.replace)
    write_records(args.out, records)
    count = sum(len(response.segments) for record in records for response in record.responses)
    print(f"{count_noun(len(records), 'record')} with {count_noun(count, 'segment')}: {args.out}")
    return DONE


def _read_text(argument: str) -> str:
    """The text of the file of this name, if there is one, else the argument itself."""
    try:
        path = Path(argument)
        return path.read_text(encoding="utf-8") if path.is_file() else argument
    except UnicodeDecodeError as error:
        found = f"other bytes, at byte {error.start}"
        raise DataError(argument, expected="a text in UTF-8", found=found, fix="convert the file") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # a text can be longer than any file's name
            return argument
        found = error.strerror or str(error)
        raise DataError(argument, expected="a readable file", found=found, fix="check the file", code="file") from None
    except ValueError:  # nor does a name hold NUL
        return argument


def _quote(text: str) -> str:
    from errata.text import make_printable

    return '"' + make_printable(text).replace("\n", "\\n") + '"'


def _add_color(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="default: auto")


def _wants_color(args: argparse.Namespace) -> bool:
    if args.color != "auto":
        return bool(args.color == "always")
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
