"""One call's requests over all servers: who asks what when, and what a failure leads to.

One server's state during a call: open, waiting, asked one by one until it recovers, or given up.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from errata.endpoints.dialect import LIMIT, LIMIT_NAMES
from errata.endpoints.reply import FailedAttemptError, read_reply
from errata.endpoints.request import ChatFailure, ChatReply, ChatRequest, EndpointSettings, encode_request
from errata.endpoints.transport import Sent, Transport
from errata.errors import ErrataError


class Server:
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


Outcome = ChatReply | ChatFailure

OF_REQUEST = ("bad request", "filtered", "image", "deadline")
"""Failures that another attempt would only repeat."""
OF_ACCOUNT = ("key refused", "not found", "quota")
"""Failures that every request to this server would meet."""
OF_SERVER = ("rate limit", "unreachable")
"""Failures that say nothing about the request: they are not counted against it."""


@dataclass(order=True)
class Pending:
    """A request and how far it got; retried ones go before fresh ones, so that their deadline does not run out."""

    fresh: bool
    number: int
    request: ChatRequest = field(compare=False)
    attempts: int = field(default=0, compare=False)
    counted: int = field(default=0, compare=False)
    deadline: float | None = field(default=None, compare=False)
    last: FailedAttemptError | None = field(default=None, compare=False)


class Scheduler:
    """A call under way.

    Args:
        model: The name asked for.
        servers: Each with what is known of it.
        settings: Limits and deadlines.
        deliver: Called with every outcome, once per request, in the order in which they come.
    """

    def __init__(
        self, model: str, servers: Sequence[Server], settings: EndpointSettings, deliver: Callable[[Outcome], None]
    ) -> None:
        self._model, self._servers, self._settings, self._deliver = model, servers, settings, deliver
        self._queue: asyncio.PriorityQueue[Pending] = asyncio.PriorityQueue()
        self._unfinished: dict[int, Pending] = {}
        self._over = asyncio.Event()

    async def run(self, requests: Sequence[ChatRequest]) -> None:
        """Bring every request to an outcome."""
        self._unfinished = {number: Pending(True, number, request) for number, request in enumerate(requests)}
        for pending in self._unfinished.values():
            self._queue.put_nowait(pending)
        each = min(self._settings.concurrency, len(requests))
        workers = asyncio.gather(*(self._work(server) for server in self._servers for _ in range(each)))
        over = asyncio.ensure_future(self._over.wait())
        try:
            both: list[asyncio.Future[Any]] = [workers, over]
            await asyncio.wait(both, timeout=self._settings.total_s, return_when=asyncio.FIRST_COMPLETED)
            if workers.done():  # by themselves they end on a bug, or when their servers are given up
                workers.result()
        finally:
            workers.cancel()
            over.cancel()
            await asyncio.gather(workers, over, return_exceptions=True)
        self._fail_rest()

    async def _work(self, server: Server) -> None:
        while server.closed is None:
            await server.wait()
            async with server.turn():
                pending = await self._queue.get()
                if server.is_open():
                    await self._attempt(server, pending)
                else:
                    self._queue.put_nowait(pending)

    async def _attempt(self, server: Server, pending: Pending) -> None:
        started = _now()
        pending.deadline = started + self._settings.deadline_s if pending.deadline is None else pending.deadline
        try:
            if pending.deadline <= started:
                raise FailedAttemptError(
                    "deadline", f"no reply in {self._settings.deadline_s:g} s{_because(pending.last)}"
                )
            body = await self._encode(pending.request)
            pending.attempts += 1
            started = _now()
            async with asyncio.timeout(min(self._settings.timeout_s, pending.deadline - started)):
                sent = await server.transport.send(body)
            self._succeed(server, pending, sent, _now() - started)
        except TimeoutError:
            late = FailedAttemptError("time-out", f"no whole reply within {_now() - started:.3g} s")
            self._handle(server, pending, late, started)
        except FailedAttemptError as error:
            self._handle(server, pending, error, started)

    async def _encode(self, request: ChatRequest) -> Mapping[str, Any]:
        try:
            if not request.images:
                return encode_request(self._model, request)
            return await asyncio.to_thread(encode_request, self._model, request)
        except ErrataError as error:
            raise FailedAttemptError("image", str(error)) from None

    def _succeed(self, server: Server, pending: Pending, sent: Sent, seconds: float) -> None:
        limit = next((sent.form[name] for name in (LIMIT, *LIMIT_NAMES) if name in sent.form), None)
        reply = read_reply(sent.content, self._model, self._settings, limit)
        server.recover()
        changes = dict(sent.changes)
        if reply.other_model:
            changes["model"] = f"{self._model} was asked for, {reply.model} replied"
        self._finish(
            pending,
            ChatReply(
                pending.request.id,
                reply.text,
                reply.model,
                reply.finished,
                reply.prompt_tokens,
                reply.completion_tokens,
                seconds,
                pending.attempts,
                reply.first_tokens,
                changes,
            ),
        )

    def _handle(self, server: Server, pending: Pending, error: FailedAttemptError, started: float) -> None:
        pending.last = error = server.explain(error)
        if error.kind in OF_REQUEST:
            if error.kind not in ("image", "deadline"):  # the server did answer
                server.recover()
            self._fail(pending, error)
            return
        if error.kind in OF_ACCOUNT:
            server.close(error)
        elif error.kind == "no text":  # the server is well, and others may get an answer
            server.recover()
        else:
            server.note_failure(error, started)
        if all(server.closed is not None for server in self._servers):
            self._over.set()
        if error.kind in OF_ACCOUNT + OF_SERVER:
            self._retry(pending)
            return
        pending.counted += 1
        wait = backoff(self._settings, pending.counted - 1, error.wait_s)
        if pending.counted >= self._settings.max_attempts or _now() + wait > (pending.deadline or 0):
            self._fail(pending, error)
        else:
            asyncio.get_running_loop().call_later(wait, self._retry, pending)

    def _retry(self, pending: Pending) -> None:
        pending.fresh = False
        self._queue.put_nowait(pending)

    def _fail(self, pending: Pending, error: FailedAttemptError) -> None:
        self._finish(pending, ChatFailure(pending.request.id, error.kind, error.reason, pending.attempts))

    def _finish(self, pending: Pending, outcome: Outcome) -> None:
        del self._unfinished[pending.number]
        self._deliver(outcome)
        if not self._unfinished:
            self._over.set()

    def _fail_rest(self) -> None:
        """What the end of the call, or of all servers, left without an outcome."""
        closed = next((server.closed for server in self._servers if server.closed is not None), None)
        for pending in list(self._unfinished.values()):
            if all(server.closed is not None for server in self._servers) and closed is not None:
                self._fail(pending, FailedAttemptError(closed.kind, f"the server was given up: {closed.reason}"))
            else:
                late = f"the call ended after {self._settings.total_s:g} s{_because(pending.last)}"
                self._fail(pending, FailedAttemptError("deadline", late))


def _because(error: FailedAttemptError | None) -> str:
    return f"; the last attempt ended with: {error.reason}" if error is not None else ""
