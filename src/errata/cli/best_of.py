"""The options that let the best of several samples be the answer."""

from __future__ import annotations

import argparse
from typing import Any

from errata.errors import ConfigError

REWARDS = ("self",)
"""What can pick among samples."""
NORMALISE = ("length", "none")
"""Values of `errata.generation.Normalise`, which is slow to import."""


def add_best_of(parser: argparse.ArgumentParser) -> None:
    """Add `--best-of` and what belongs to it."""
    parser.add_argument("--best-of", type=int, help="draw so many samples of each question and answer with the best")
    parser.add_argument(
        "--reward", choices=REWARDS, help="what picks it: how much likelier the model finds it than its base (default)"
    )
    parser.add_argument("--base", help="the model before alignment (default: the one under an adapter)")
    parser.add_argument(
        "--reward-normalise", choices=NORMALISE, help="by length (default) or not, which prefers short answers"
    )


def read_best_of(args: argparse.Namespace) -> Any:
    """The options of `add_best_of` as settings; None without --best-of. Raises ConfigError for others without it."""
    from errata.pipelines.answering import BestOf

    stated = {"reward": args.reward, "base": args.base, "normalise": args.reward_normalise}
    stated = {name: value for name, value in stated.items() if value is not None}
    if args.best_of is not None:
        return BestOf(args.best_of, **stated)
    if stated:
        found = " and ".join(f"--{'reward-normalise' if name == 'normalise' else name}" for name in stated)
        raise ConfigError(found, expected="--best-of N beside it", found="none", fix="add --best-of, or leave it out")
    return None
