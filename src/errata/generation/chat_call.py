"""One call to an endpoint, in a thread of its own with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

from errata.generation.chat import ChatFailure, ChatRequest, EndpointSettings
from errata.generation.chat_dialect import Dialect
from errata.generation.chat_lanes import Lane
from errata.generation.chat_reply import hide
from errata.generation.chat_run import Outcome, Run
from errata.generation.chat_transport import Transport
from errata.generation.endpoint import Endpoint, read_account, read_key


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
        lanes = [Lane(transport, self._settings) for transport in transports]
        try:
            await Run(self._endpoint.model, lanes, self._settings, self._outcomes.put).run(self._requests)
        finally:
            for transport in transports:
                await transport.close()

    def _redact(self, outcome: Outcome) -> Outcome:
        """Once more, as JSON has many ways to write a key."""
        names = ("reason",) if isinstance(outcome, ChatFailure) else ("text", "model")
        hidden: dict[str, Any] = {name: hide(getattr(outcome, name), self._key) for name in names}
        return replace(outcome, **hidden)
