"""One server's state during a call: open, waiting, asked one by one until it recovers, or given up."""

from __future__ import annotations

import asyncio
import random
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from errata.generation.chat import EndpointSettings
from errata.generation.chat_reply import FailedAttemptError
from errata.generation.chat_transport import Transport


class Lane:
    """A server and how it has been doing; times are the event loop's.

    Attributes:
        closed: Why the server is not asked again in this call; None while it is.
    """

    def __init__(self, transport: Transport, settings: EndpointSettings) -> None:
        self.transport, self._settings = transport, settings
        self.closed: FailedAttemptError | None = None
        self._open_at, self._waits = 0.0, 0
        self._failing_since: float | None = None
        self._said = ""
        self._one_by_one = asyncio.Lock()

    def is_open(self) -> bool:
        """Whether the server may be asked now."""
        return self.closed is None and _now() >= self._open_at

    async def wait(self) -> None:
        """Return when the wait that the server asked for, or a failure brought about, is over."""
        while self.closed is None and not self.is_open():
            await asyncio.sleep(self._open_at - _now())

    def turn(self) -> AbstractAsyncContextManager[Any]:
        """A server that fails is asked one request at a time until one succeeds, so that it can recover."""
        return nullcontext() if self._failing_since is None else self._one_by_one

    def recover(self) -> None:
        """Note that the server answered."""
        self._failing_since, self._waits = None, 0

    def close(self, error: FailedAttemptError) -> None:
        """Never ask again in this call."""
        self.closed = self.closed or error

    def explain(self, error: FailedAttemptError) -> FailedAttemptError:
        """The failure of a server that is gone or silent, with the reason that it gave before, if it gave one."""
        if error.kind not in ("unreachable", "cut reply", "time-out"):
            self._said = error.reason if error.kind == "server error" else self._said
        elif self._said and self._said not in error.reason:
            return FailedAttemptError(error.kind, f"{error.reason}; before that it said: {self._said}", error.wait_s)
        return error

    def note_failure(self, error: FailedAttemptError, started: float) -> None:
        """Count a failure of the server; it is given up when that lasts too long."""
        now = _now()
        self._failing_since = now if self._failing_since is None else self._failing_since
        patience = self._settings.give_up_s if error.wait_s is None else self._settings.deadline_s
        if now - self._failing_since >= patience or (error.wait_s or 0) > self._settings.deadline_s:
            self.close(error)
        elif error.kind in ("rate limit", "unreachable") and started >= self._open_at:
            # Requests that were under way when the wait began report the same trouble: it counts once.
            wait = backoff(self._settings, self._waits, error.wait_s)
            if error.wait_s is None:  # its last chance comes when patience ends, not up to `max_backoff_s` later
                wait = min(wait, self._failing_since + patience - now)
            self._open_at = now + wait
            self._waits += 1


def backoff(settings: EndpointSettings, failures: int, asked_s: float | None) -> float:
    """Seconds to wait after so many earlier failures: doubling, with jitter, and never less than the server asked."""
    longest = min(settings.backoff_s * 2.0 ** min(failures, 30), settings.max_backoff_s)
    jitter = random.uniform(0.5, 1.0)
    # Asked for a wait, everybody comes back after it, not at the same moment.
    return longest * jitter if asked_s is None else asked_s + min(longest, 1.0) * (jitter - 0.5)


def _now() -> float:
    return asyncio.get_running_loop().time()
