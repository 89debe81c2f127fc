"""One server over HTTP: a body goes out, bytes or a named failure come back."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from errata.endpoints.dialect import LIMIT, Dialect, fit_context
from errata.endpoints.failures import ServerError, read_error
from errata.endpoints.reply import FailedAttemptError, hide

MAX_FORMS = 12
"""Forms of one request that are tried: every refusal is about at least one parameter, address or length."""
NO_ROUTE = (404, 405)
MAX_REPLY_BYTES = 8 * 2**20
"""A text of 8 MB is no answer; a server that sends more would fill the memory."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The bytes of a reply, the form of the request that brought it, and what the form changed by parameter."""

    content: bytes
    form: Mapping[str, Any]
    changes: Mapping[str, str]


class Transport:
    """A connection pool to one server. Made inside the event loop that uses it.

    Args:
        url: The server's address, up to and including `/v1`, which may be left out.
        key: Sent as a bearer token, or as `api-key` to Azure, and hidden where the server repeats it; may be empty.
        connections: How many at most.
        account: Further headers.
        dialect: What is known of the server, and is learnt about it.
    """

    def __init__(
        self, url: str, key: str, connections: int, account: Mapping[str, str], dialect: Dialect | None = None
    ) -> None:
        self.url, self._key, self._dialect = url, key, dialect or Dialect()
        url, self._query = split_version(url)
        self._bases = list_bases(url)
        self._no_route: ServerError | None = None
        # Nothing of the environment goes out but by way of its proxy: no netrc, no cookies.
        headers = {"content-type": "application/json", "accept": "application/json", "accept-encoding": "identity"}
        headers |= {**account, **_authorise(key, azure=bool(self._query))}
        self._proxy = find_proxy(url)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ssl=build_certificates()),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # whoever calls `send` ends it
            auto_decompress=False,
        )

    async def send(self, body: Mapping[str, Any]) -> Sent:
        """Send until the server takes the form, which it may refuse in part. Raises FailedAttemptError."""
        asked, fitted = dict(body), dict[str, str]()
        tries = 0
        while True:
            form, changes = self._dialect.apply(asked)
            base = self._bases[0]
            status, headers, content = await self._post(base, json.dumps(form).encode())
            error = read_error(status, headers, content, self._key)
            if error is None:
                clean = hide(content.decode("latin-1"), self._key).encode("latin-1")
                return Sent(clean, form, changes | fitted)
            if error.status in NO_ROUTE:
                self._no_route = self._no_route or error  # the first says most: others are of guessed addresses
                if self._leave(base):
                    continue
                error = self._no_route
            room = fit_context(form, error)
            if room is not None and tries < MAX_FORMS:
                tries += 1
                fitted = {LIMIT: f"{body.get(LIMIT)} lowered to {room}, what the prompt leaves of the context"}
                asked[LIMIT] = room
                continue
            self._dialect.learn(form, error)
            tries += 1
            # Another form may be known by now, perhaps from other requests.
            if tries >= MAX_FORMS or self._dialect.apply(asked)[0] == form:
                raise error.to_failure()

    def _leave(self, base: str) -> bool:
        """Whether there is another address to try after one that has no such route; the last one stays."""
        if len(self._bases) > 1 and self._bases[0] == base:
            self._bases = self._bases[1:]
        return self._bases[0] != base

    async def _post(self, base: str, data: bytes) -> tuple[int, Mapping[str, str], bytes]:
        address = f"{base}/chat/completions{self._query}"
        try:
            # A redirect could lead a key and images elsewhere.
            async with self._session.post(address, data=data, proxy=self._proxy, allow_redirects=False) as reply:
                return reply.status, reply.headers, await self._read(reply)
        except aiohttp.ClientHttpProxyError as error:
            raise FailedAttemptError("unreachable", f"the proxy answered {error.status}: {error.message}") from None
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise FailedAttemptError("unreachable", f"{self.url} cannot be reached{_because(error)}") from None
        except aiohttp.ClientError:
            cut = f"{self.url} closed the connection before its reply was whole"
            raise FailedAttemptError("cut reply", cut) from None
        except OSError as error:
            raise FailedAttemptError("unreachable", f"{self.url} cannot be reached{_because(error)}") from None

    async def _read(self, reply: aiohttp.ClientResponse) -> bytes:
        if reply.headers.get("content-encoding", "identity") != "identity":  # could unpack to any size
            raise FailedAttemptError("not JSON", f"{self.url} compressed its reply, which was not asked for")
        content = bytearray()
        async for chunk in reply.content.iter_any():
            content += chunk
            if len(content) > MAX_REPLY_BYTES:
                raise FailedAttemptError("not JSON", f"{self.url} sent more than {MAX_REPLY_BYTES} bytes")
        return bytes(content)

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


def _authorise(key: str, *, azure: bool) -> dict[str, str]:
    """The key in the header that the server reads: Azure's deployments take a bearer token for something else."""
    if not key:
        return {}
    return {"api-key": key} if azure else {"authorization": f"Bearer {key}"}


def split_version(url: str) -> tuple[str, str]:
    """An address and the query behind it, which goes behind the route: Azure's `?api-version=…`."""
    plain, mark, version = url.partition("?")
    return plain.rstrip("/"), mark + version


def list_bases(url: str) -> list[str]:
    """The addresses that a server may mean by this one: most serve the protocol below `/v1`, which people leave out."""
    path = urlsplit(url).path
    if re.search(r"/(v\d+\w*|openai|api/paas/v\d)(/|$)", path):
        return [url]
    return [url, f"{url}/v1"] if path.strip("/") else [f"{url}/v1", url]


def _because(error: Exception) -> str:
    """What the system says, such as that a connection was refused or a name is not known."""
    said = getattr(error, "os_error", error)
    words = getattr(said, "strerror", None)
    return f" ({words})" if isinstance(words, str) and words else ""
