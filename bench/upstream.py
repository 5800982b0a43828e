"""A fast streaming upstream: first token after 1 s, then 100 tokens at 50 a second.

HTTP by hand on uvloop, with every byte prepared beforehand: on the same two cores as the product
it must cost as little as can be. The newest marker in a request, `bench-…`, may name another
Pace. It records, by marker, when each request arrived and when its first text and its last byte
were handed to the system (time.time()).

    python -m bench.upstream --port N
    GET /bench/records → {marker: [[arrived, first_text, last_byte], …]}, and forgets them
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import uvloop

MODEL = "bench-model"
MOST_TOKENS = 5000


@dataclass(frozen=True)
class Pace:
    """How a reply comes: so many tokens, the first after `first_ms`, then one `every_ms`."""

    tokens: int = 100
    every_ms: int = 20
    first_ms: int = 1000

    @property
    def seconds(self) -> float:
        """From the arrival of a request to the last of its tokens."""
        return (self.first_ms + (self.tokens - 1) * self.every_ms) / 1000

    @property
    def text(self) -> str:
        return "".join(WORDS[: self.tokens])

    def marker(self, name: str) -> str:
        """The word that asks for this pace; `name` is hexadecimal."""
        return f"bench-{name}.{self.tokens}.{self.every_ms}.{self.first_ms}"


WORDS = tuple(f"palabra{index:03d} " for index in range(MOST_TOKENS))
USUAL = Pace()
TOKENS = WORDS[: USUAL.tokens]
REPLY_SECONDS = USUAL.seconds

MARKER = re.compile(rb"bench-[0-9a-f]+(?:\.(\d+)\.(\d+)\.(\d+))?")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    b"cache-control: no-store\r\ntransfer-encoding: chunked\r\n\r\n"
)


def _event(payload: object) -> bytes:
    data = b"data: " + json.dumps(payload, separators=(",", ":")).encode() + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(data), data)


def _chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    return _event(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": MODEL,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        }
    )


ROLE = _chunk({"role": "assistant", "content": ""})
TEXTS = [_chunk({"content": word}) for word in WORDS]
END = _chunk({}, "stop")
DONE = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
MODELS = json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode()


@lru_cache
def _usage(tokens: int) -> bytes:
    usage = {"prompt_tokens": 50, "completion_tokens": tokens, "total_tokens": 50 + tokens}
    return _event(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": MODEL,
            "choices": [],
            "usage": usage,
        }
    )


records: dict[str, list[list[float]]] = defaultdict(list)


class Connection(asyncio.Protocol):
    """One client's connection: whole requests in, one after the other, and their answers."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._seen = b""
        self._next: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class isn't one

    def connection_lost(self, error: Exception | None) -> None:
        if self._next is not None:
            self._next.cancel()

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, found, body = self._seen.partition(b"\r\n\r\n")
        if not found:
            return
        length = LENGTH.search(head)
        if length is not None and len(body) < int(length[1]):
            return
        self._seen = b""
        if head.startswith(b"POST "):
            self._stream(body)
        elif head.startswith(b"GET /bench/records"):
            self._json(json.dumps(records).encode())
            records.clear()
        else:
            self._json(MODELS)

    def _json(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(head % len(body) + body)

    def _stream(self, body: bytes) -> None:
        marker, pace = _asked(body)
        self._times = [time.time(), 0.0, 0.0]
        records[marker].append(self._times)
        self._end = END + (_usage(pace.tokens) if b"include_usage" in body else b"") + DONE
        self._index, self._last = 0, pace.tokens - 1
        self._every = pace.every_ms / 1000
        self._transport.write(HEAD + ROLE)
        self._due = self._loop.time() + pace.first_ms / 1000
        self._next = self._loop.call_at(self._due, self._say)

    def _say(self) -> None:
        index = self._index
        if index == self._last:
            self._transport.write(TEXTS[index] + self._end)
            self._next = None
            self._times[2] = time.time()
        else:
            self._transport.write(TEXTS[index])
            self._index = index + 1
            self._due += self._every
            self._next = self._loop.call_at(self._due, self._say)
        if index == 0:
            self._times[1] = time.time()


def _asked(body: bytes) -> tuple[str, Pace]:
    """The newest marker of a request, and the pace that it asks for."""
    start = body.rfind(b"bench-")
    found = MARKER.match(body, start) if start >= 0 else None
    if found is None:
        return "", USUAL
    pace = USUAL if found[1] is None else Pace(*map(int, found.groups()))
    return found[0].decode(), pace


async def serve(host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, host, port, backlog=1024)
    print(f"http://{host}:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.upstream")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        uvloop.run(serve(options.host, options.port))


if __name__ == "__main__":
    main()
