"""A fast streaming upstream: first token after 1 s, then 100 tokens at 50 a second.

HTTP by hand on uvloop, with every byte prepared beforehand: on the same two cores as the product
it must cost as little as can be. It records, by the marker `bench-…` in the request, when each
request arrived and when its first text and its last byte were handed to the system (time.time()).

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
from typing import cast

import uvloop

MODEL = "bench-model"
FIRST_SECONDS = 1.0
EVERY_SECONDS = 0.02
TOKENS = tuple(f"palabra{index:03d} " for index in range(100))
# from the arrival of a request to the last of its tokens
REPLY_SECONDS = FIRST_SECONDS + (len(TOKENS) - 1) * EVERY_SECONDS

MARKER = re.compile(rb"bench-[0-9a-f]+")
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
TEXTS = [_chunk({"content": token}) for token in TOKENS]
USAGE = _event(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": MODEL,
        "choices": [],
        "usage": {
            "prompt_tokens": 50,
            "completion_tokens": len(TOKENS),
            "total_tokens": 50 + len(TOKENS),
        },
    }
)
END = _chunk({}, "stop")
DONE = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
MODELS = json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode()

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
        markers = MARKER.findall(body)
        self._times = [time.time(), 0.0, 0.0]
        records[markers[-1].decode() if markers else ""].append(self._times)
        self._usage = b"include_usage" in body
        self._begun = self._loop.time()
        self._index = 0
        self._transport.write(HEAD + ROLE)
        self._next = self._loop.call_at(self._begun + FIRST_SECONDS, self._say)

    def _say(self) -> None:
        index = self._index
        last = index == len(TEXTS) - 1
        if last:
            usage = USAGE if self._usage else b""
            self._transport.write(TEXTS[index] + END + usage + DONE)
            self._next = None
        else:
            self._transport.write(TEXTS[index])
            self._index = index + 1
            due = self._begun + FIRST_SECONDS + self._index * EVERY_SECONDS
            self._next = self._loop.call_at(due, self._say)
        if index == 0:
            self._times[1] = time.time()
        if last:
            self._times[2] = time.time()


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
