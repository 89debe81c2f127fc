"""`errata data dedup | decontaminate`: records without what should not be trained on, and a report of what went."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errata.cli.shaper import add_look, add_shaper, open_records, tell
from errata.errors import count_noun

if TYPE_CHECKING:
    from errata.data.shaping import EvaluationImages


def add_parsers(verbs: Any) -> None:
    """Add the verbs that take records out."""
    parser = add_shaper(verbs, "dedup", "drop records that repeat an earlier one", run_dedup)
    help_text = "in what a duplicate agrees: some of image,look,prompt,text (default: image,text)"
    parser.add_argument("--same", default="image,text", help=help_text)
    add_look(parser, "images look alike that differ in at most BITS of 128 (default: 10)", 10)

    parser = add_shaper(verbs, "decontaminate", "drop records whose images benchmarks measure with", run_decontaminate)
    help_text = "benchmarks, files of questions or names, or folders of images, with commas"
    parser.add_argument("--against", required=True, metavar="NAME,FILE…", help=help_text)
    parser.add_argument("--data", type=Path, help="folder with the benchmarks' official files, one folder each")
    add_look(parser, "images look alike that differ in at most BITS of 128 (default: 10)", 10)


def run_dedup(args: argparse.Namespace) -> None:
    """Write what is left, and say what repeated what."""
    from errata.data.shaping import write_distinct

    result = write_distinct(
        open_records(args),
        args.out,
        args.same.split(","),
        look_distance=args.look_distance,
        images=args.images,
        on_bad=args.on_bad,
    )
    print(f"{count_noun(result.removed, 'duplicate')} of {count_noun(len(result.kept), 'record')}: {result.report}")
    tell(result.folder)


def run_decontaminate(args: argparse.Namespace) -> None:
    """Write what is left, and say which benchmark took what."""
    from errata.data.shaping import load_evaluation_images, write_decontaminated

    names = [name.strip() for name in args.against.split(",") if name.strip()]
    known = load_evaluation_images(names, args.data, look_distance=args.look_distance)
    result = write_decontaminated(open_records(args), args.out, known, images=args.images, on_bad=args.on_bad)
    print(render_removed(known, result.removed))
    print(f"{result.removed.total()} removed: {result.report}")
    tell(result.folder)


def render_removed(known: EvaluationImages, removed: dict[tuple[str, str], int]) -> str:
    """A table: for each benchmark its pictures, what is known of them, and how many records went for which reason."""
    from errata.data.shaping import BENCHMARKS

    head = ("pictures", "names", "files", "by name", "by bytes", "by look")
    lines = [f"{'against':<24}" + "".join(f"{title:>10}" for title in head)]
    for name in dict.fromkeys([*known.names, *known.pictures]):
        total = BENCHMARKS[name].pictures if name in BENCHMARKS else None
        cells = ["?" if total is None else total, len(known.names[name]), known.pictures[name]]
        cells += [removed.get((name, reason), 0) for reason in ("name", "bytes", "look")]
        shown = name if len(name) <= 23 else f"…{name[-22:]}"
        lines.append(f"{shown:<24}" + "".join(f"{cell:>10}" for cell in cells))
    return "\n".join(lines)
