"""One server through the `openai` package: a body goes out, bytes or a named failure come back."""

from __future__ import annotations

import json
import math
import time
from collections.abc import AsyncIterator, Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from errata.errors import ModelError
from errata.generation.chat import FailureKind
from errata.generation.chat_reply import FailedAttemptError, excerpt, hide
from errata.generation.endpoint import OPENAI_KEY, Endpoint

PACKAGES = ("openai", "aiohttp", "httpx2")
"""aiohttp: a request through it costs two thirds of the time."""
MAX_REPLY_BYTES = 8 * 2**20
"""A text of 8 MB is no answer; a server that sends more would fill the memory."""

STATUS_KINDS: Mapping[int, FailureKind] = {
    401: "key refused",
    402: "key refused",
    403: "key refused",
    404: "not found",
    405: "not found",
    408: "time-out",
    409: "server error",
    429: "rate limit",
}


class Transport:
    """A connection pool to one server.

    Args:
        url: The server's address.
        openai: The package.
        client: Its AsyncOpenAI, with retries switched off.
        raw: The class of a reply that is taken as it is: the package's own parsing accepts replies that are none.
        key: To be hidden where the server repeats it.
    """

    def __init__(self, url: str, openai: Any, client: Any, raw: type, key: str) -> None:
        self.url, self._openai, self._client, self._raw, self._key = url, openai, client, raw, key
        self._token_field = "max_tokens"

    async def send(self, body: Mapping[str, Any]) -> bytes:
        """Send once. Raises FailedAttemptError."""
        sent = {self._token_field if name == "max_tokens" else name: value for name, value in body.items()}
        try:
            reply = await self._client.post("/chat/completions", cast_to=self._raw, body=sent)
        except self._openai.APIStatusError as error:
            if self._renames_tokens(error):
                return await self.send(body)
            raise _read_status(error, self._key) from None
        except self._openai.APIConnectionError as error:
            if isinstance(error.__cause__, FailedAttemptError):  # raised below, by what reads the reply
                raise error.__cause__ from None
            raise _read_connection(self.url, error) from None
        content: bytes = reply.content
        return hide(content.decode("latin-1"), self._key).encode("latin-1")

    def _renames_tokens(self, error: Any) -> bool:
        """Newer models of OpenAI refuse `max_tokens` and name its successor; once learnt it is used at once."""
        known = self._token_field == "max_completion_tokens"
        if known or error.status_code != 400 or "max_completion_tokens" not in str(error.message)[:2000]:
            return False
        self._token_field = "max_completion_tokens"
        return True

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()


def check_package(endpoint: Endpoint) -> None:
    """Raise ModelError where `openai` is not installed, or a package that it needs here."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ModelError(
            endpoint.name,
            expected="the packages openai and aiohttp",
            found=f"{missing[0]} is not installed",
            fix="pip install 'errata[openai]'",
        )


def build_transport(endpoint: Endpoint, url: str, key: str, connections: int) -> Transport:
    """Open a pool of connections to one server of an endpoint. Raises ModelError where `openai` is not installed."""
    check_package(endpoint)
    import httpx2
    import openai

    class CappedStream(httpx2.AsyncByteStream):
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in self._stream:
                size += len(chunk)
                if size > MAX_REPLY_BYTES:
                    raise FailedAttemptError("not JSON", f"{url} sent more than {MAX_REPLY_BYTES} bytes")
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def cap(response: Any) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":  # could unpack to any size
            raise FailedAttemptError("not JSON", f"{url} compressed its reply, which was not asked for")
        response.stream = CappedStream(response.stream)

    async def dress(request: Any) -> None:
        """The package would send keys and names of the environment to any server: only what is meant goes out."""
        for name in ("authorization", "openai-organization", "openai-project"):
            if name == "authorization" or endpoint.key_name != OPENAI_KEY:
                request.headers.pop(name, None)
        if key:
            request.headers["authorization"] = f"Bearer {key}"
        request.headers["accept-encoding"] = "identity"

    http = openai.DefaultAioHttpClient(
        follow_redirects=False,  # a redirect could lead a key and images elsewhere
        event_hooks={"request": [dress], "response": [cap]},
        limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
        timeout=None,  # whoever calls `send` ends it
        verify=build_certificates(),
    )
    client = openai.AsyncOpenAI(api_key=key or "none", base_url=url, max_retries=0, http_client=http, timeout=None)
    return Transport(url, openai, client, httpx2.Response, key)


@lru_cache(maxsize=1)
def build_certificates() -> Any:
    """The certificates that servers are checked against, read once: that takes longer than many a reply."""
    import httpx2

    return httpx2.create_ssl_context()


def _read_connection(url: str, error: Exception) -> FailedAttemptError:
    """By aiohttp's exception, two causes down: what stands between calls a refused connection a time-out."""
    cause = error.__cause__.__cause__ if error.__cause__ is not None else None
    kinds = {kind.__name__ for kind in type(cause).__mro__}
    if "ClientError" in kinds and "ClientConnectorError" not in kinds:
        return FailedAttemptError("cut reply", f"{url} closed the connection before its reply was whole")
    return FailedAttemptError("unreachable", f"{url} cannot be reached")


def _read_status(error: Any, key: str) -> FailedAttemptError:
    status, wait = error.status_code, _read_wait(error.response.headers)
    kind = STATUS_KINDS.get(status, "bad request" if 400 <= status < 500 else "server error")
    if status < 400:
        kind, said = "not found", "a redirect, which is not followed"
    else:
        said = _read_message(error, key)
    if status == 429 and error.code == "insufficient_quota":  # no wait helps
        kind = "key refused"
    if status in (503, 529) and wait is not None:
        kind = "rate limit"
    return FailedAttemptError(kind, f"status {status}: {said}", wait)


def _read_message(error: Any, key: str) -> str:
    body = error.body
    inner = body.get("message", body.get("error", body)) if isinstance(body, dict) else body
    text = inner if isinstance(inner, str) else json.dumps(inner, default=str)
    # Hidden before it is cut, or half a key would stay.
    return excerpt(hide(text, key)) or "no message"


def _read_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, from `retry-after-ms` or `retry-after` (seconds or a date)."""
    milliseconds, seconds = headers.get("retry-after-ms", ""), headers.get("retry-after", "")
    for text, unit in ((milliseconds, 1000.0), (seconds, 1.0)):
        try:
            wait = float(text) / unit
        except ValueError:
            continue
        return max(wait, 0.0) if not math.isnan(wait) else None
    try:
        return max(parsedate_to_datetime(seconds).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
