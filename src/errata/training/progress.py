"""How far a stage of a run is: told to a function, or shown by a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm.auto import tqdm

from errata.training.settings import PreferenceConfig

OnProgress = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done, and of how much."""


class Progress:
    """The progress of a run's stages, which the first process tells.

    Args:
        args: `disable_tqdm`, and which process this is.
        on_progress: Told instead of a bar.
    """

    def __init__(self, args: PreferenceConfig, on_progress: OnProgress | None) -> None:
        self._first = args.process_index == 0
        self._shows, self._tell = self._first and not args.disable_tqdm, on_progress

    def tell(self, what: str, done: int, total: int) -> None:
        """Say where a stage is that has a bar of its own, or none."""
        if self._tell is not None and self._first:
            self._tell(what, done, total)

    @contextmanager
    def count(self, what: str, total: int) -> Iterator[Callable[[int], object]]:
        """Give a function that takes how many more are done."""
        if self._tell is None:
            with tqdm(total=total, desc=what.capitalize(), unit="record", disable=not self._shows) as bar:
                yield bar.update
            return
        done = 0

        def advance(more: int) -> None:
            nonlocal done
            done += more
            self.tell(what, done, total)

        self.tell(what, 0, total)
        yield advance
