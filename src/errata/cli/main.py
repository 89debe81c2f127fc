"""`errata VERB …`: finds the verb, runs it, and turns every error into a line and an exit code."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from errata import __version__
from errata.cli import bench, compare, data, demo, evaluate, feedback, generate, iterate, report, score, train, world
from errata.cli.advice import fit_advice
from errata.errors import BUG, DONE, FULL, INTERRUPTED, USAGE, ErrataError, StorageError

VERBS = [demo, data, feedback, train, iterate, generate, evaluate, score, compare, report, bench, world]
"""The verbs in the order that `errata --help` shows them."""

REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)
"""What the system says about a place that exists and does not let itself be used."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; None takes those of the process.

    Returns:
        An exit code of `errata.errors`. Bad usage leaves through argparse's SystemExit with `USAGE`.
    """
    parser = build_parser()
    args = _parse(parser, arguments)
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
    parser.add_argument("--version", action="version", version=f"errata {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of every error")
    parser.set_defaults(run=None)
    subparsers = parser.add_subparsers(title="verbs", metavar="VERB", prog="errata")
    for verb in VERBS:
        verb.add_parser(subparsers)
    return parser


def _parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The arguments of a verb; settings (`beta=0.2`) may also stand behind options, which argparse refuses."""
    args, rest = parser.parse_known_args(arguments)
    unknown = [word for word in rest if word.startswith("-") or not hasattr(args, "overrides")]
    if unknown:
        parser.error("unrecognized arguments: " + " ".join(unknown))
    if rest:
        args.overrides += rest
    return args


@contextmanager
def _ending_on_signals() -> Iterator[list[int]]:
    """Let SIGINT and SIGTERM be a KeyboardInterrupt inside, and give the list of those that came.

    `train` saves a checkpoint at either, by handlers of its own. A signal that is ignored, as SIGINT is in the
    background of a script, stays ignored.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def interrupt(number: int, _: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    numbers = [one for one in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(one) != signal.SIG_IGN]
    previous = {one: signal.signal(one, interrupt) for one in numbers}
    try:
        yield came
    finally:
        for one, handler in previous.items():
            signal.signal(one, handler)


def _guard(args: argparse.Namespace) -> int:
    with _ending_on_signals() as came:
        try:
            code = int(args.run(args))
            sys.stdout.flush()
            return code
        except KeyboardInterrupt:
            return _tell_interrupted()
        except BrokenPipeError:  # the reader of a pipe, `head` for one, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return DONE
        except Exception as error:
            # A library that is interrupted while it is imported makes an ImportError of it.
            return _tell_interrupted() if came else _report(error, args)


def _tell_interrupted() -> int:
    print("interrupted; the same command continues where it can", file=sys.stderr)
    return INTERRUPTED


def _report(error: Exception, args: argparse.Namespace) -> int:
    told = _find_cause(error)
    if args.debug or told is None:
        traceback.print_exception(error)
    if told is None:
        print("error: this is a bug in errata; please report it with the lines above", file=sys.stderr)
        return BUG
    can_skip = told.can_skip and hasattr(args, "skip_bad")
    advice = ", or run with --skip-bad to set it aside" if can_skip else ""
    print(f"error: {fit_advice(told, args)}{advice}  [{told.code}]", file=sys.stderr)
    return USAGE


def _find_cause(error: Exception) -> ErrataError | None:
    """What the user can do something about, if that is the cause: bad input, or a place that cannot be written."""
    if isinstance(error, ErrataError):
        return error
    if isinstance(error, OSError) and (error.errno in FULL or (error.errno in REFUSED and error.filename)):
        return StorageError.from_system(error.filename or "the disk", error)
    return None
