"""How a job of several stages tells what it is doing."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from errata.generation import OnAnswers


class OnProgress(Protocol):
    """Called with what is being done, how much of it is done, of how much, and the tokens written for it so far."""

    def __call__(self, what: str, done: int, total: int, tokens: int = 0, /) -> None:
        """Show it."""


def name_progress(on_progress: OnProgress | None, where: str) -> OnProgress | None:
    """The same progress with the place in front."""
    if on_progress is None:
        return None
    return lambda what, done, total, tokens=0: on_progress(f"{where}: {what}", done, total, tokens)


def watch(on_progress: OnProgress | None, what: str) -> OnAnswers | None:
    """The same progress as a run of answers gives it, under a name."""
    return partial(on_progress, what) if on_progress else None
