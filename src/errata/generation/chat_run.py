"""One call's requests over all servers: who asks what when, and what a failure leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from errata.errors import ErrataError
from errata.generation.chat import ChatFailure, ChatReply, ChatRequest, EndpointSettings
from errata.generation.chat_body import encode_request
from errata.generation.chat_dialect import LIMIT, LIMIT_NAMES
from errata.generation.chat_lanes import Lane, backoff
from errata.generation.chat_reply import FailedAttemptError, read_reply
from errata.generation.chat_transport import Sent

Outcome = ChatReply | ChatFailure

OF_REQUEST = ("bad request", "filtered", "image", "deadline")
"""Failures that another attempt would only repeat."""
OF_ACCOUNT = ("key refused", "not found", "quota")
"""Failures that every request to this server would meet."""
OF_LANE = ("rate limit", "unreachable")
"""Failures that say nothing about the request: they are not counted against it."""


@dataclass(order=True)
class Job:
    """A request and how far it got; retried ones go before fresh ones, so that their deadline does not run out."""

    fresh: bool
    number: int
    request: ChatRequest = field(compare=False)
    attempts: int = field(default=0, compare=False)
    counted: int = field(default=0, compare=False)
    deadline: float | None = field(default=None, compare=False)
    last: FailedAttemptError | None = field(default=None, compare=False)


class Run:
    """A call under way.

    Args:
        model: The name asked for.
        lanes: The servers.
        settings: Limits and deadlines.
        deliver: Called with every outcome, once per request, in the order in which they come.
    """

    def __init__(
        self, model: str, lanes: Sequence[Lane], settings: EndpointSettings, deliver: Callable[[Outcome], None]
    ) -> None:
        self._model, self._lanes, self._settings, self._deliver = model, lanes, settings, deliver
        self._queue: asyncio.PriorityQueue[Job] = asyncio.PriorityQueue()
        self._unfinished: dict[int, Job] = {}
        self._over = asyncio.Event()

    async def run(self, requests: Sequence[ChatRequest]) -> None:
        """Bring every request to an outcome."""
        self._unfinished = {number: Job(True, number, request) for number, request in enumerate(requests)}
        for job in self._unfinished.values():
            self._queue.put_nowait(job)
        each = min(self._settings.concurrency, len(requests))
        workers = asyncio.gather(*(self._work(lane) for lane in self._lanes for _ in range(each)))
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

    async def _work(self, lane: Lane) -> None:
        while lane.closed is None:
            await lane.wait()
            async with lane.turn():
                job = await self._queue.get()
                if lane.is_open():
                    await self._attempt(lane, job)
                else:
                    self._queue.put_nowait(job)

    async def _attempt(self, lane: Lane, job: Job) -> None:
        started = _now()
        job.deadline = started + self._settings.deadline_s if job.deadline is None else job.deadline
        try:
            if job.deadline <= started:
                raise FailedAttemptError("deadline", f"no reply in {self._settings.deadline_s:g} s{_because(job.last)}")
            body = await self._encode(job.request)
            job.attempts += 1
            started = _now()
            async with asyncio.timeout(min(self._settings.timeout_s, job.deadline - started)):
                sent = await lane.transport.send(body)
            self._succeed(lane, job, sent, _now() - started)
        except TimeoutError:
            late = FailedAttemptError("time-out", f"no whole reply within {_now() - started:.3g} s")
            self._handle(lane, job, late, started)
        except FailedAttemptError as error:
            self._handle(lane, job, error, started)

    async def _encode(self, request: ChatRequest) -> Mapping[str, Any]:
        try:
            if not request.images:
                return encode_request(self._model, request)
            return await asyncio.to_thread(encode_request, self._model, request)
        except ErrataError as error:
            raise FailedAttemptError("image", str(error)) from None

    def _succeed(self, lane: Lane, job: Job, sent: Sent, seconds: float) -> None:
        limit = next((sent.form[name] for name in (LIMIT, *LIMIT_NAMES) if name in sent.form), None)
        reply = read_reply(sent.content, self._model, self._settings, limit)
        lane.recover()
        changes = dict(sent.changes)
        if reply.other_model:
            changes["model"] = f"{self._model} was asked for, {reply.model} replied"
        self._finish(
            job,
            ChatReply(
                job.request.id,
                reply.text,
                reply.model,
                reply.finished,
                reply.prompt_tokens,
                reply.completion_tokens,
                seconds,
                job.attempts,
                reply.first_tokens,
                changes,
            ),
        )

    def _handle(self, lane: Lane, job: Job, error: FailedAttemptError, started: float) -> None:
        job.last = error = lane.explain(error)
        if error.kind in OF_REQUEST:
            if error.kind not in ("image", "deadline"):  # the server did answer
                lane.recover()
            self._fail(job, error)
            return
        if error.kind in OF_ACCOUNT:
            lane.close(error)
        elif error.kind == "no text":  # the server is well, and others may get an answer
            lane.recover()
        else:
            lane.note_failure(error, started)
        if all(lane.closed is not None for lane in self._lanes):
            self._over.set()
        if error.kind in OF_ACCOUNT + OF_LANE:
            self._retry(job)
            return
        job.counted += 1
        wait = backoff(self._settings, job.counted - 1, error.wait_s)
        if job.counted >= self._settings.max_attempts or _now() + wait > (job.deadline or 0):
            self._fail(job, error)
        else:
            asyncio.get_running_loop().call_later(wait, self._retry, job)

    def _retry(self, job: Job) -> None:
        job.fresh = False
        self._queue.put_nowait(job)

    def _fail(self, job: Job, error: FailedAttemptError) -> None:
        self._finish(job, ChatFailure(job.request.id, error.kind, error.reason, job.attempts))

    def _finish(self, job: Job, outcome: Outcome) -> None:
        del self._unfinished[job.number]
        self._deliver(outcome)
        if not self._unfinished:
            self._over.set()

    def _fail_rest(self) -> None:
        """What the end of the call, or of all servers, left without an outcome."""
        closed = next((lane.closed for lane in self._lanes if lane.closed is not None), None)
        for job in list(self._unfinished.values()):
            if all(lane.closed is not None for lane in self._lanes) and closed is not None:
                self._fail(job, FailedAttemptError(closed.kind, f"the server was given up: {closed.reason}"))
            else:
                late = f"the call ended after {self._settings.total_s:g} s{_because(job.last)}"
                self._fail(job, FailedAttemptError("deadline", late))


def _because(error: FailedAttemptError | None) -> str:
    return f"; the last attempt ended with: {error.reason}" if error is not None else ""


def _now() -> float:
    return asyncio.get_running_loop().time()
