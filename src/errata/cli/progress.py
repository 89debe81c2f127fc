"""A progress bar for work that counts what it has done; one line a stage where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from errata.pipelines.answer import OnProgress

_BAR = "{desc:32} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


class Speed:
    """Tokens a second of every stage, from its first count on."""

    def __init__(self) -> None:
        self._began: dict[str, tuple[float, int]] = {}

    def describe(self, what: str, tokens: int) -> str:
        """As `812 tokens/s`; empty of a stage that writes none, and before its first."""
        began, at_first = self._began.setdefault(what, (time.monotonic(), tokens))
        seconds = time.monotonic() - began
        if tokens <= at_first or seconds <= 0:
            return ""
        return f"{(tokens - at_first) / seconds:,.0f} tokens/s"


@contextmanager
def show_progress() -> Iterator[OnProgress]:
    """Give a function of (what, done, total, tokens) that moves a bar on stderr, one bar for each `what`."""
    from tqdm import tqdm

    bars: dict[str, Any] = {}
    speed = Speed()

    def update(what: str, done: int, total: int, tokens: int = 0, /) -> None:
        if what not in bars:
            bars[what] = tqdm(desc=what, total=total, initial=done, bar_format=_BAR)
        bars[what].set_postfix_str(speed.describe(what, tokens), refresh=False)
        bars[what].update(done - bars[what].n)
        if done >= total:
            bars[what].close()

    finished: set[tuple[str, int]] = set()

    def print_finished(what: str, done: int, total: int, tokens: int = 0, /) -> None:
        """A file or a pipe takes no bars; it gets a line when a stage is done, once."""
        rate = speed.describe(what, tokens)
        if done >= total and (what, total) not in finished:
            finished.add((what, total))
            print(f"{what}: {total} done" + (f", {rate}" if rate else ""), file=sys.stderr, flush=True)

    try:
        yield update if sys.stderr.isatty() else print_finished
    finally:
        for bar in bars.values():
            bar.close()
