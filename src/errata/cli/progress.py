"""How far work is: a bar for each stage on a terminal, else lines at intervals with the time that is left."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from errata.pipelines import OnProgress

_BAR = "{desc:32} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
SECONDS_BETWEEN_LINES = 30.0
"""Of a log that nobody watches: often enough to see that a run lives, seldom enough to be read."""


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
    """Give a function of (what, done, total, tokens) that shows each `what` on stderr.

    A terminal gets a bar for each. A file or a pipe gets a line when one is done, and one every
    `SECONDS_BETWEEN_LINES` that says what is under way, even while nothing is reported.
    """
    shown = Bars() if sys.stderr.isatty() else Lines(SECONDS_BETWEEN_LINES)
    try:
        yield shown.update
    finally:
        shown.close()


class Bars:
    """A bar of tqdm for each stage; one that begins again gets a new bar."""

    def __init__(self) -> None:
        self._bars: dict[str, Any] = {}
        self._speed = Speed()

    def update(self, what: str, done: int, total: int, tokens: int = 0, /) -> None:
        """Move the stage's bar."""
        from tqdm import tqdm

        bar = self._bars.get(what)
        if bar is None or done < bar.n or total != bar.total:
            if bar is not None:
                bar.close()
            bar = self._bars[what] = tqdm(desc=what, total=total, initial=done, bar_format=_BAR)
        bar.set_postfix_str(self._speed.describe(what, tokens), refresh=False)
        bar.update(done - bar.n)
        if done >= total:
            bar.close()

    def close(self) -> None:
        """Close every bar."""
        for bar in self._bars.values():
            bar.close()


class Lines:
    """Lines on stderr: one for a stage that is done, and in between where the latest stage is.

    Args:
        seconds: Between two lines about work under way.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._speed = seconds, Speed()
        self._began: dict[str, tuple[float, int]] = {}
        self._finished: set[tuple[str, int]] = set()
        self._now: tuple[str, int, int, int] | None = None
        self._started = self._printed = time.monotonic()
        self._closed = threading.Event()
        # A daemon: it must not hold up a process that is told to end.
        self._thread = threading.Thread(target=self._print_at_intervals, name="progress", daemon=True)
        self._thread.start()

    def update(self, what: str, done: int, total: int, tokens: int = 0, /) -> None:
        """Note where the stage is; a stage that is done is printed, once."""
        began = self._began.get(what)
        if began is None or done < began[1]:
            self._began[what] = (time.monotonic(), done)
        rate = self._speed.describe(what, tokens)
        self._now = (what, done, total, tokens)
        if done >= total and (what, total) not in self._finished:
            self._finished.add((what, total))
            self._print(f"{what}: {total} done" + (f", {rate}" if rate else ""))

    def close(self) -> None:
        """Print no more."""
        self._closed.set()
        self._thread.join()

    def _print(self, line: str) -> None:
        self._printed = time.monotonic()
        print(line, file=sys.stderr, flush=True)

    def _print_at_intervals(self) -> None:
        pause = self._seconds
        while not self._closed.wait(pause):
            since = time.monotonic() - self._printed
            pause = self._seconds - since
            if since >= self._seconds:
                self._print(self._describe())
                pause = self._seconds

    def _describe(self) -> str:
        """The latest stage, how much of it is done, and how long the rest will take at the same speed."""
        if self._now is None:
            return f"working for {show_seconds(time.monotonic() - self._started)}"
        what, done, total, tokens = self._now
        began, at_first = self._began[what]
        seconds = time.monotonic() - began
        if done >= total:
            return f"working on what follows {what}, {show_seconds(time.monotonic() - self._started)} in all"
        parts = [f"{what}: {done} of {total}"]
        if done > at_first:
            parts.append(f"about {show_seconds(seconds / (done - at_first) * (total - done))} left")
        else:
            parts.append(f"for {show_seconds(seconds)}")
        rate = self._speed.describe(what, tokens)
        return ", ".join([*parts, rate] if rate else parts)


def show_seconds(seconds: float) -> str:
    """As `40 s`, `12 min` or `3 h 20 min`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
