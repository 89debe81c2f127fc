"""The least that a client can do: bytes out, bytes in, over as many connections as requests are under way.

What it reaches is what the machine allows at that moment; a real client cannot do better.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

BODY = json.dumps({"model": "scripted", "messages": [{"role": "user", "content": "Is it so?"}]}).encode()
HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\ncontent-length: {len(BODY)}\r\n\r\n".encode()


def ask_bare(urls: list[str], concurrency: int, count: int) -> None:
    """Send `count` requests to each server, `concurrency` at a time."""
    asyncio.run(_ask_all(urls, concurrency, count))


async def _ask_all(urls: list[str], concurrency: int, count: int) -> None:
    waiting = {url: iter(range(count)) for url in urls}
    await asyncio.gather(*(_ask(url, waiting[url]) for url in urls for _ in range(concurrency)))


async def _ask(url: str, waiting: Iterator[int]) -> None:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for _ in waiting:  # shared by the connections to one server
        writer.write(HEAD + BODY)
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
    writer.close()
    await writer.wait_closed()
