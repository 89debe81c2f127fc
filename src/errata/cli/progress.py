"""A progress bar for work that counts what it has done; one line a stage where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_BAR = "{desc:32} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"


@contextmanager
def show_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function of (what, done, total) that moves a bar on stderr, one bar for each `what`."""
    from tqdm import tqdm

    if not sys.stderr.isatty():
        yield _print_finished
        return
    bars: dict[str, Any] = {}

    def update(what: str, done: int, total: int) -> None:
        if what not in bars:
            bars[what] = tqdm(desc=what, total=total, initial=done, bar_format=_BAR)
        bars[what].update(done - bars[what].n)
        if done >= total:
            bars[what].close()

    try:
        yield update
    finally:
        for bar in bars.values():
            bar.close()


def _print_finished(what: str, done: int, total: int) -> None:
    """A file or a pipe takes no bars; it gets a line when a stage is done."""
    if done >= total:
        print(f"{what}: {total} done", file=sys.stderr, flush=True)
