"""`errata data split | merge | sample | filter | pairs | levels`: records to other records."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errata.cli.levelling import add_levelling, read_levelling
from errata.cli.shaper import add_look, add_output, add_seed, add_shaper, as_verb, open_records, tell
from errata.errors import count_noun

if TYPE_CHECKING:
    from errata.data.shaping import Part


def add_parsers(verbs: Any) -> None:
    """Add the verbs that make other records of records."""
    parser = add_shaper(verbs, "split", "part records by image: no image is on two sides", run_split)
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--fractions", help="shares of the records that sum to 1, such as 0.9,0.1")
    size.add_argument("--test", type=int, metavar="N", help="so many records to test, the rest to train")
    parser.add_argument("--names", help="the parts' names (default: train,test or train,validation,test)")
    add_seed(parser)
    add_look(parser, "also keep together images that look alike, differing in at most BITS of 128 (try 10)", None)

    parser = verbs.add_parser("merge", help="several files of records as one, with an id for each record")
    parser.add_argument("records", type=Path, nargs="+", help="two or more .jsonl files or folders")
    add_output(parser)
    parser.set_defaults(run=as_verb(run_merge))

    parser = add_shaper(verbs, "sample", "some of the records, chosen by a seed", run_sample)
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--count", type=int, metavar="N", help="how many")
    size.add_argument("--fraction", type=float, metavar="SHARE", help="which share of all, such as 0.1")
    parser.add_argument("--by", choices=("row", "image"), default="row", help="what is counted (default: row)")
    parser.add_argument("--stratify", metavar="VALUE", help="keep the proportions of a value, such as source")
    add_seed(parser)

    parser = add_shaper(verbs, "filter", "the records that a condition keeps", run_filter)
    parser.add_argument("expression", metavar="EXPR", help="such as 'words(best) < 80 and \"object\" in segments'")

    parser = add_shaper(verbs, "pairs", "records of several levels as records of two", run_pairs)
    help_text = "which are compared (default: best_vs_rest)"
    parser.add_argument(
        "--rule", choices=("best_vs_rest", "all_pairs", "neighbours"), default="best_vs_rest", help=help_text
    )

    parser = add_shaper(verbs, "levels", "responses sorted into levels by their ratings", run_levels)
    add_levelling(parser)


def run_split(args: argparse.Namespace) -> None:
    """Write one folder a part."""
    from errata.data.shaping import split_records

    folders = split_records(
        open_records(args),
        args.out,
        _list_parts(args),
        seed=args.seed,
        look_distance=args.look_distance,
        images=args.images,
        on_bad=args.on_bad,
    )
    for name, folder in folders.items():
        print(f"{name}: {count_noun(folder.count, 'record')}: {folder.records}")


def _list_parts(args: argparse.Namespace) -> list[Part]:
    from errata.data.shaping import Part
    from errata.errors import ConfigError

    sizes: list[float | int | None] = [None, args.test]
    if args.fractions is not None:
        try:
            sizes = [float(text) for text in args.fractions.split(",")]
        except ValueError:
            fix = "write for example 0.9,0.1"
            raise ConfigError("--fractions", expected="numbers", found=args.fractions, fix=fix) from None
    default = {2: "train,test", 3: "train,validation,test"}.get(len(sizes), "")
    names = [name.strip() for name in (args.names or default).split(",")]
    if len(names) != len(sizes):
        found = count_noun(len(names), "name") if args.names else "none"
        raise ConfigError(
            "--names", expected=count_noun(len(sizes), "name"), found=found, fix="name every part, with commas"
        )
    return [Part(name, size) for name, size in zip(names, sizes, strict=True)]


def run_merge(args: argparse.Namespace) -> None:
    """Write one folder, and say what came from where."""
    from errata.data.shaping import find_records, merge_records

    sources = [find_records(path, args.image_root, args.on_progress) for path in args.records]
    merged = merge_records(sources, args.out, images=args.images, on_bad=args.on_bad)
    for source, count, renamed in zip(sources, merged.records, merged.renamed, strict=True):
        print(f"{count_noun(count, 'record')}, {renamed} of them with a new id: {source.path}")
    tell(merged.folder)


def run_sample(args: argparse.Namespace) -> None:
    """Write the chosen records."""
    from errata.data.filter import parse_value
    from errata.data.shaping import sample_records

    value = None if args.stratify is None else parse_value(args.stratify)
    folder = sample_records(
        open_records(args),
        args.out,
        args.fraction if args.count is None else args.count,
        by_image=args.by == "image",
        stratify=None if value is None else lambda record: str(value(record)),
        seed=args.seed,
        images=args.images,
        on_bad=args.on_bad,
    )
    tell(folder)


def run_filter(args: argparse.Namespace) -> None:
    """Write the records that the condition keeps."""
    from errata.data.filter import parse_filter
    from errata.data.shaping import write_filtered

    keep = parse_filter(args.expression)
    tell(write_filtered(open_records(args), args.out, keep, images=args.images, on_bad=args.on_bad))


def run_pairs(args: argparse.Namespace) -> None:
    """Write a record a pair."""
    from errata.data.shaping import write_pairs

    tell(write_pairs(open_records(args), args.out, args.rule, images=args.images, on_bad=args.on_bad))


def run_levels(args: argparse.Namespace) -> None:
    """Write the records with levels by their ratings."""
    from errata.data.shaping import write_levels

    levelling = read_levelling(args)
    tell(write_levels(open_records(args), args.out, levelling, images=args.images, on_bad=args.on_bad))
