"""The options that say how ratings become levels."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from errata.data.shaping import Levelling


def add_levelling(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--ratings", required=True, help="names of lists in meta, such as ratings; several are averaged"
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--gap", type=float, help="a level begins so far below the best of the one before")
    size.add_argument("--at-most", type=int, metavar="K", help="at most K levels, cut at the widest gaps")
    parser.add_argument("--lowest-is-best", action="store_true", help="ratings count mistakes")


def read_levelling(args: argparse.Namespace) -> Levelling:
    """The options of `add_levelling` as a rule."""
    from errata.data.shaping import Levelling

    names = tuple(name.strip().removeprefix("meta.") for name in args.ratings.split(","))
    if args.gap is not None:
        return Levelling(names, "gap", args.gap, args.lowest_is_best)
    if args.at_most is not None:
        return Levelling(names, "at_most", args.at_most, args.lowest_is_best)
    return Levelling(names, lowest_is_best=args.lowest_is_best)
