"""A progress bar for work that counts what it has done; quiet where nobody watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def show_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function of (what, done, total) that moves a bar on a terminal's stderr, one bar for each `what`."""
    from tqdm import tqdm

    bars: dict[str, Any] = {}

    def update(what: str, done: int, total: int) -> None:
        if what not in bars:
            # disable=None: no bar where stderr is a file or a pipe
            bars[what] = tqdm(desc=what, total=total, unit="", disable=None)
        bars[what].update(done - bars[what].n)

    try:
        yield update
    finally:
        for bar in bars.values():
            bar.close()
