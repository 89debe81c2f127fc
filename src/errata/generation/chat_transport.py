"""One server over HTTP: a body goes out, bytes or a named failure come back."""

from __future__ import annotations

import json
import math
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from errata.generation.chat import FailureKind
from errata.generation.chat_reply import FailedAttemptError, excerpt, hide

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
    """A connection pool to one server. Made inside the event loop that uses it.

    Args:
        url: The server's address, up to and including `/v1`.
        key: Sent as a bearer token where it is not empty, and hidden where the server repeats it.
        connections: How many at most.
        account: Further headers.
    """

    def __init__(self, url: str, key: str, connections: int, account: Mapping[str, str]) -> None:
        self.url, self._key, self._token_field = url, key, "max_tokens"
        # Nothing of the environment goes out but by way of its proxy: no netrc, no cookies.
        headers = {"content-type": "application/json", "accept": "application/json", "accept-encoding": "identity"}
        headers |= {**account, **({"authorization": f"Bearer {key}"} if key else {})}
        self._proxy = find_proxy(url)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ssl=build_certificates()),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # whoever calls `send` ends it
            auto_decompress=False,
        )

    async def send(self, body: Mapping[str, Any]) -> bytes:
        """Send once. Raises FailedAttemptError."""
        sent = {self._token_field if name == "max_tokens" else name: value for name, value in body.items()}
        status, headers, content = await self._post(json.dumps(sent).encode())
        if status < 300:
            return hide(content.decode("latin-1"), self._key).encode("latin-1")
        error = _read_error(content)
        if status == 400 and self._renames_tokens(error):
            return await self.send(body)
        raise _name_status(status, headers, error, self._key)

    async def _post(self, data: bytes) -> tuple[int, Mapping[str, str], bytes]:
        address = f"{self.url}/chat/completions"
        try:
            # A redirect could lead a key and images elsewhere.
            async with self._session.post(address, data=data, proxy=self._proxy, allow_redirects=False) as reply:
                return reply.status, reply.headers, await self._read(reply)
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL):
            raise FailedAttemptError("unreachable", f"{self.url} cannot be reached") from None
        except aiohttp.ClientError:
            cut = f"{self.url} closed the connection before its reply was whole"
            raise FailedAttemptError("cut reply", cut) from None
        except OSError:
            raise FailedAttemptError("unreachable", f"{self.url} cannot be reached") from None

    async def _read(self, reply: aiohttp.ClientResponse) -> bytes:
        if reply.headers.get("content-encoding", "identity") != "identity":  # could unpack to any size
            raise FailedAttemptError("not JSON", f"{self.url} compressed its reply, which was not asked for")
        content = bytearray()
        async for chunk in reply.content.iter_any():
            content += chunk
            if len(content) > MAX_REPLY_BYTES:
                raise FailedAttemptError("not JSON", f"{self.url} sent more than {MAX_REPLY_BYTES} bytes")
        return bytes(content)

    def _renames_tokens(self, error: Any) -> bool:
        """Newer models of OpenAI refuse `max_tokens` and name its successor; once learnt it is used at once."""
        known = self._token_field == "max_completion_tokens"
        if known or "max_completion_tokens" not in _find_message(error)[:2000]:
            return False
        self._token_field = "max_completion_tokens"
        return True

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


@lru_cache(maxsize=1)
def build_certificates() -> ssl.SSLContext:
    """The certificates that servers are checked against, read once: that takes longer than many a reply."""
    return ssl.create_default_context()


def find_proxy(url: str) -> str | None:
    """The proxy that the environment names for an address (`HTTPS_PROXY`, `NO_PROXY` and so on); None for none."""
    parts = urlsplit(url)
    if parts.hostname is None or proxy_bypass(parts.hostname):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _read_error(content: bytes) -> Any:
    """What stands under `error` in a refusal, or all of it; its text where it is not JSON."""
    try:
        body = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        return content.decode(errors="replace")
    return body.get("error", body) if isinstance(body, dict) else body


def _find_message(error: Any) -> str:
    inner = error.get("message", error) if isinstance(error, dict) else error
    return inner if isinstance(inner, str) else json.dumps(inner, default=str)


def _name_status(status: int, headers: Mapping[str, str], error: Any, key: str) -> FailedAttemptError:
    wait = _read_wait(headers)
    kind = STATUS_KINDS.get(status, "bad request" if 400 <= status < 500 else "server error")
    # Hidden before it is cut, or half a key would stay.
    said = excerpt(hide(_find_message(error), key)) or "no message"
    if status < 400:
        kind, said = "not found", "a redirect, which is not followed"
    if status == 429 and isinstance(error, dict) and error.get("code") == "insufficient_quota":  # no wait helps
        kind = "key refused"
    if status in (503, 529) and wait is not None:
        kind = "rate limit"
    return FailedAttemptError(kind, f"status {status}: {said}", wait)


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
