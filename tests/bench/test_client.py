"""The load generator's own client: what it can't read would be counted as the server's failure."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest
import uvloop

from bench.client import Answer, Client

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CLOSING = b"HTTP/1.1 202 ACCEPTED\r\nConnection: close\r\ncontent-length: 2\r\n\r\n{}"


def serving(answers: list[list[bytes]]) -> tuple[str, Callable[[], list[bytes]]]:
    """A server that gives each connection these answers, one a request, and then closes it."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    asked: list[bytes] = []

    def serve() -> None:
        for parts in answers:
            connection, _ = listening.accept()
            for part in parts:
                asked.append(connection.recv(65536))
                for at in range(0, len(part), 7):
                    connection.sendall(part[at : at + 7])
            connection.close()
        listening.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    def heard() -> list[bytes]:
        thread.join(5)
        return asked

    return url, heard


def test_it_reads_answers_that_come_in_pieces_and_keeps_its_connection() -> None:
    url, heard = serving([[OK, OK]])

    async def ask() -> list[Answer]:
        client = Client(url, "a-key")
        return [await client.get("/one"), await client.post("/two", {"a": 1}, Idempotency_Key="k")]

    first, second = uvloop.run(ask())

    assert (first.status, first.body, second.body) == (200, b"hi", b"hi")
    one, two = heard()
    assert one.startswith(b"GET /one HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"Authorization: Bearer a-key\r\n" in one
    assert b"Idempotency-Key: k\r\n" in two
    assert two.endswith(b'\r\n\r\n{"a":1}')


@pytest.mark.parametrize("last", [OK, CLOSING], ids=["closed while idle", "closed as it said"])
def test_it_connects_again_when_the_connection_was_closed(last: bytes) -> None:
    url, heard = serving([[last], [OK]])

    async def ask() -> list[int]:
        client = Client(url)
        first = await client.get("/one")
        return [first.status, (await client.get("/two")).status]

    assert uvloop.run(ask())[1] == 200
    assert len([request for request in heard() if request]) == 2


def test_a_server_that_is_gone_is_an_error() -> None:
    url, heard = serving([])
    heard()

    async def ask() -> None:
        await Client(url).get("/")

    with pytest.raises(ConnectionRefusedError):
        uvloop.run(ask())
