"""A client of one keep-alive connection, by hand on asyncio.

The load generator shares the cores with what it measures: a general client would cost more a poll
than the server does.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import orjson

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """`at` is when its first byte was read (time.time())."""

    status: int
    body: bytes
    at: float

    def json(self) -> Any:
        return orjson.loads(self.body)


class Client:
    """Asks one thing after the other; connects when it must. `key` None is the local user."""

    def __init__(self, url: str, key: str | None = None) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._address = (parts.hostname, parts.port or 80)
        self._shared = f"Host: {parts.netloc}\r\n"
        if key is not None:
            self._shared += f"Authorization: Bearer {key}\r\n"
        self._wire: _Wire | None = None

    async def get(self, path: str) -> Answer:
        """OSError when the server can't be reached."""
        return await self._ask(f"GET {path} HTTP/1.1\r\n{self._shared}\r\n".encode())

    async def post(self, path: str, body: object, **headers: str) -> Answer:
        """Sent once more where the connection was closed: give it an Idempotency_Key."""
        content = orjson.dumps(body)
        given = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = (
            f"POST {path} HTTP/1.1\r\n{self._shared}{given}"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return await self._ask(head.encode() + content)

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    async def _ask(self, request: bytes) -> Answer:
        # a server may close an idle connection in the moment in which it is used again
        if self._wire is not None and self._wire.is_open:
            try:
                return await self._wire.ask(request)
            except ConnectionError:
                pass
        _, self._wire = await asyncio.get_running_loop().create_connection(_Wire, *self._address)
        return await self._wire.ask(request)


class _Wire(asyncio.Protocol):
    """The connection: a request out, its answer in. Every answer of ours has a Content-Length."""

    def __init__(self) -> None:
        self.is_open = True
        self._seen = b""
        self._whole = -1  # bytes of the answer being read; -1: its head isn't here yet
        self._answer: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class isn't one

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        self._answer = asyncio.get_running_loop().create_future()
        if self.is_open:
            self._transport.write(request)
        else:
            self._answer.set_exception(ConnectionResetError("closed"))
        return self._answer

    def data_received(self, data: bytes) -> None:
        if not self._seen:
            self._at = time.time()
        self._seen += data
        if self._whole < 0:
            self._head = self._seen.find(b"\r\n\r\n") + 4
            if self._head < 4:
                return
            head = self._seen[: self._head]
            length = LENGTH.search(head)
            self._whole = self._head + (int(length[1]) if length else 0)
            if CLOSES.search(head):
                self.is_open = False
        if len(self._seen) < self._whole:
            return
        answer = Answer(int(self._seen[9:12]), self._seen[self._head : self._whole], self._at)
        self._seen, self._whole = b"", -1
        if not self.is_open:
            self._transport.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError(str(error)))

    def close(self) -> None:
        self._transport.close()
