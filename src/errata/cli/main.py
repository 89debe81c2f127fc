"""`errata VERB …`: finds the verb, runs it, and turns every error into a line and an exit code."""

from __future__ import annotations

import argparse
import errno
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version

from errata.cli import bench, data, demo, evaluate, generate, report, train, world
from errata.errors import BUG, DONE, INTERRUPTED, USAGE, ErrataError

VERBS = [demo, data, train, generate, evaluate, report, bench, world]
"""The verbs in the order that `errata --help` shows them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; None takes those of the process.

    Returns:
        An exit code of `errata.errors`. Bad usage leaves through argparse's SystemExit with `USAGE`.
    """
    parser = build_parser()
    args = parser.parse_args(arguments)
    if args.run is None:
        parser.print_help()
        return USAGE
    return _guard(args)


def build_parser() -> argparse.ArgumentParser:
    """The parser of every verb."""
    parser = argparse.ArgumentParser(
        prog="errata",
        description="Corrections in, a measurably more truthful multimodal model out.",
        epilog="exit codes: 0 done, 1 a bug, 2 bad input, 3 finished but incomplete, 130 interrupted",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"errata {version('errata')}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of every error")
    parser.set_defaults(run=None)
    subparsers = parser.add_subparsers(title="verbs", metavar="VERB", prog="errata")
    for verb in VERBS:
        verb.add_parser(subparsers)
    return parser


def _guard(args: argparse.Namespace) -> int:
    try:
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("interrupted; the same command continues where it can", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        return _report(error, debug=args.debug)


def _report(error: Exception, *, debug: bool) -> int:
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if debug or not (full or isinstance(error, ErrataError)):
        traceback.print_exception(error)
    if full:
        print(f"error: the disk is full ({error}); free space and run the same command again", file=sys.stderr)
    elif isinstance(error, ErrataError):
        print(f"error: {error}", file=sys.stderr)
    else:
        print("error: this is a bug in errata; please report it with the lines above", file=sys.stderr)
        return BUG
    return USAGE
