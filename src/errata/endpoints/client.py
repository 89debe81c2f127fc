"""Asking an endpoint many things at once, from code that knows no event loop.

One call to an endpoint, in a thread of its own with an event loop of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

from errata.endpoints.address import Endpoint, read_account, read_key
from errata.endpoints.dialect import Dialect
from errata.endpoints.reply import hide
from errata.endpoints.request import ChatFailure, ChatReply, ChatRequest, EndpointSettings
from errata.endpoints.scheduler import Outcome, Scheduler, Server
from errata.endpoints.transport import Transport
from errata.errors import DataError


class ChatClient:
    """The client of an endpoint; it holds nothing open between calls.

    Args:
        endpoint: Model and servers.
        settings: Concurrency, deadlines, patience.
    """

    def __init__(self, endpoint: Endpoint, settings: EndpointSettings | None = None) -> None:
        self.endpoint, self.settings = endpoint, settings or EndpointSettings()
        self._dialects = {url: Dialect() for url in endpoint.urls}

    def check(self) -> None:
        """Raise what would stop every call, without asking anything: ConfigError where a key is needed and missing."""
        read_key(self.endpoint)

    def ask(
        self,
        requests: Sequence[ChatRequest],
        on_reply: Callable[[ChatReply | ChatFailure], None] | None = None,
    ) -> list[ChatReply | ChatFailure]:
        """Bring every request to a reply or a named failure; one request's failure costs no other.

        Args:
            requests: With ids that occur once.
            on_reply: Called in this thread with every outcome as it comes, so that what it stores survives a kill. The
                servers stay busy meanwhile. Whatever it raises ends the call.

        Returns:
            The outcomes in the order of the requests.

        Raises:
            DataError: An id that occurs twice.
            ConfigError: No key where one is needed.
        """
        _check_ids(requests)
        call = build_call(self.endpoint, self.settings, requests, self._dialects)
        outcomes: dict[str, ChatReply | ChatFailure] = {}
        try:
            for outcome in call:
                outcomes[outcome.id] = outcome
                if on_reply is not None:
                    on_reply(outcome)
        finally:
            call.end()
        return [outcomes[request.id] for request in requests]


def build_call(
    endpoint: Endpoint, settings: EndpointSettings, requests: Sequence[ChatRequest], dialects: Mapping[str, Dialect]
) -> Call:
    """Begin a call; HTTP is imported here, as most of what names an endpoint never asks it anything."""
    from errata.endpoints.client import Call

    return Call(endpoint, settings, requests, dialects)


def _check_ids(requests: Sequence[ChatRequest]) -> None:
    twice = [name for name, count in Counter(request.id for request in requests).items() if count > 1]
    if twice:
        raise DataError(
            f"request {twice[0]!r}", expected="ids that occur once", found="two requests of it", fix="rename one"
        )


class Call:
    """A call in a thread of its own, which hands its outcomes over."""

    def __init__(
        self,
        endpoint: Endpoint,
        settings: EndpointSettings,
        requests: Sequence[ChatRequest],
        dialects: Mapping[str, Dialect],
    ) -> None:
        self._endpoint, self._settings, self._requests, self._dialects = endpoint, settings, requests, dialects
        self._key = read_key(endpoint)
        self._outcomes: SimpleQueue[Outcome | BaseException | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="errata-endpoint", daemon=True)
        self._thread.start()

    def __iter__(self) -> Call:
        return self

    def __next__(self) -> Outcome:
        outcome = self._outcomes.get()
        if outcome is None:
            raise StopIteration
        if isinstance(outcome, BaseException):
            raise outcome
        return self._redact(outcome)

    def end(self) -> None:
        """Stop what is under way and close all connections."""
        self._stopped = True
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._ask())
            self._outcomes.put(None)
        except asyncio.CancelledError:
            self._outcomes.put(None)
        except BaseException as error:  # is raised where the caller waits
            self._outcomes.put(error)

    async def _ask(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._stopped:
            return
        concurrency = self._settings.concurrency
        account = read_account(self._endpoint)
        transports = [
            Transport(url, self._key, concurrency, account, self._dialects[url]) for url in self._endpoint.urls
        ]
        servers = [Server(transport, self._settings) for transport in transports]
        try:
            await Scheduler(self._endpoint.model, servers, self._settings, self._outcomes.put).run(self._requests)
        finally:
            for transport in transports:
                await transport.close()

    def _redact(self, outcome: Outcome) -> Outcome:
        """Once more, as JSON has many ways to write a key."""
        names = ("reason",) if isinstance(outcome, ChatFailure) else ("text", "model")
        hidden: dict[str, Any] = {name: hide(getattr(outcome, name), self._key) for name in names}
        return replace(outcome, **hidden)
