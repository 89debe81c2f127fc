"""Asking an endpoint many things at once, from code that knows no event loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from errata.errors import DataError
from errata.generation.chat import ChatFailure, ChatReply, ChatRequest, EndpointSettings
from errata.generation.chat_dialect import Dialect
from errata.generation.endpoint import Endpoint, read_key

if TYPE_CHECKING:
    from errata.generation.chat_call import Call


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
    from errata.generation.chat_call import Call

    return Call(endpoint, settings, requests, dialects)


def _check_ids(requests: Sequence[ChatRequest]) -> None:
    twice = [name for name, count in Counter(request.id for request in requests).items() if count > 1]
    if twice:
        raise DataError(
            f"request {twice[0]!r}", expected="ids that occur once", found="two requests of it", fix="rename one"
        )
