"""A real HTTP server that speaks OpenAI's chat protocol and misbehaves as it is told.

`python tests/endpoint_server.py --latency-s 0.05` runs it alone and prints its address.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """How one request is mistreated.

    `kind`: "status" (an error of that status), "hang" (no reply until the client leaves), "drip" (a byte now and then),
    "cut" (half the body, then the end), "drop" (the end at once), "bytes" (these bytes instead of the body), "reply"
    (fields of the reply's JSON replaced).
    """

    kind: str
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""
    reply: Body = field(default_factory=dict)


@dataclass
class Seen:
    """A request as it arrived; `headers` with names in lower case."""

    body: Body
    headers: dict[str, str]
    at: float
    path: str = ""

    @property
    def text(self) -> str:
        """All texts of its messages."""
        return "\n".join(text for message in self.body["messages"] for text in list_texts(message["content"]))


def list_texts(content: str | list[Body]) -> list[str]:
    """The texts of one message's content."""
    return [content] if isinstance(content, str) else [part["text"] for part in content if part["type"] == "text"]


class EndpointServer:
    """Serves on a free port of this machine while it is entered.

    Args:
        answer: A request to the text of its reply.
        faults: One per request in the order of arrival, None for a good reply; after the last all are good.
        fault: Decides by request instead; called with its number and itself.
        latency_s: Waited before every reply.
        routes: The paths that it serves.

    Attributes:
        seen: Every request, in the order of arrival.
        most_at_once: The largest number of requests that were under way together.
        busy_s: Request-seconds under way; divided by the seconds of a run, how many there were on average.
    """

    def __init__(
        self,
        answer: Callable[[Seen], str] = lambda seen: "Yes",
        faults: Iterable[Fault | None] = (),
        *,
        fault: Callable[[int, Seen], Fault | None] | None = None,
        latency_s: float = 0.0,
        routes: Sequence[str] = ("/v1/chat/completions",),
    ) -> None:
        planned = list(faults)
        self._answer, self._latency_s, self._routes = answer, latency_s, routes
        self._fault = fault or (lambda number, seen: planned[number] if number < len(planned) else None)
        self.seen: list[Seen] = []
        self.most_at_once, self.busy_s, self._at_once = 0, 0.0, 0
        self.url = ""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> EndpointServer:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0, limit=2**26)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._serve_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        data = await reader.readexactly(int(headers.get("content-length", 0)))
        path = head[0].split(" ")[1]
        if not head[0].startswith("POST ") or path not in self._routes:
            writer.write(_format(404, {}, b'{"error": {"message": "no such route"}}'))
            return True
        seen = Seen(json.loads(data), headers, time.monotonic(), path)
        self.seen.append(seen)
        fault = self._fault(len(self.seen) - 1, seen)
        started = time.monotonic()
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self._reply(seen, fault, writer)
        finally:
            self._at_once -= 1
            self.busy_s += time.monotonic() - started

    async def _reply(self, seen: Seen, fault: Fault | None, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(self._latency_s)
        kind = fault.kind if fault is not None else "good"
        if kind == "hang":
            await asyncio.sleep(3600)
        if kind == "drop":
            return False
        if kind == "status":
            assert fault is not None
            error = {"error": {"message": "told to fail", "code": None, **fault.reply}}
            writer.write(_format(fault.status, fault.headers, fault.data or json.dumps(error).encode()))
            return True
        changed = fault.reply if fault is not None else {}
        body = json.dumps(self._build_reply(seen) | changed).encode()
        if kind == "bytes":
            assert fault is not None
            body = fault.data
        whole = _format(200, fault.headers if fault is not None else {}, body)
        if kind == "drip":
            for byte in whole:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.05)
        writer.write(whole[: -len(body) // 2 - 1] if kind == "cut" else whole)
        await writer.drain()
        return kind != "cut"

    def _build_reply(self, seen: Seen) -> Body:
        text = self._answer(seen)
        message = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": len(seen.text.split()), "completion_tokens": len(text.split())}
        return {
            "id": f"chatcmpl-{len(self.seen)}",
            "object": "chat.completion",
            "created": 0,
            "model": seen.body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": usage | {"total_tokens": sum(usage.values())},
        }


def _format(status: int, headers: dict[str, str], body: bytes) -> bytes:
    fields = {"content-type": "application/json", "content-length": str(len(body))} | headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Told\r\n{lines}\r\n".encode() + body


def main(answer: Callable[[Seen], str] | None = None) -> None:
    """Serve until the process is ended; a line on its input is answered with `busy_s`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--latency-s", type=float, default=0.0)
    parser.add_argument("--text", default="Yes")
    args = parser.parse_args()
    with EndpointServer(answer or (lambda seen: args.text), latency_s=args.latency_s) as server:
        print(server.url, flush=True)  # noqa: T201
        for _ in sys.stdin:
            print(server.busy_s, flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
