"""Clients that send or read a byte now and then hold nothing that others need."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import text

from common.db import Database
from tests.stack import Stack

POSTING = 12  # a process has eight threads
HEAD = b"POST /api/conversations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SLOW = {
    "nothing at all": b"",
    "half a head": b"GET /health HTTP/1.1\r\nHost: loc",
    "half a body": HEAD + b"Content-Length: 1000\r\n\r\n{",
    "half a chunked body": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3e8\r\n{",
    "a body too large": HEAD + b"Content-Length: 60000000\r\n\r\n{",
}


@contextmanager
def slow_clients(stack: Stack, count: int, begin: bytes) -> Iterator[list[socket.socket]]:
    """So many connections, each of which has sent this and goes on byte by byte."""
    connections = [socket.create_connection(("127.0.0.1", stack.port)) for _ in range(count)]
    for connection in connections:
        connection.sendall(begin)
        connection.setblocking(False)
    done = threading.Event()

    def trickle() -> None:
        while not done.wait(0.5):
            for connection in connections:
                try:
                    connection.send(b"x" if begin else b"")
                except OSError:
                    continue

    sender = threading.Thread(target=trickle, daemon=True)
    sender.start()
    try:
        yield connections
    finally:
        done.set()
        sender.join()
        for connection in connections:
            connection.close()


@pytest.mark.parametrize("how", ["half a head", "half a body", "half a chunked body"])
def test_two_hundred_slow_clients_do_not_keep_others_waiting(stack: Stack, how: str) -> None:
    with slow_clients(stack, 200, SLOW[how]):
        time.sleep(0.6)
        for _ in range(3):
            with stack.client(timeout=2) as client:
                assert client.get("/health").status_code == 200
                assert client.post("/api/conversations", json={}).status_code == 201


def test_slow_clients_of_every_kind_at_once_do_not_either(stack: Stack) -> None:
    quiet, large = SLOW["nothing at all"], SLOW["a body too large"]
    with (
        slow_clients(stack, 170, quiet),
        slow_clients(stack, 30, large),
        stack.client(timeout=2) as client,
    ):
        assert client.get("/health").status_code == 200


def test_a_request_in_pieces_is_answered_once_it_is_whole(stack: Stack) -> None:
    body = b'{"title": "a trozos"}'
    whole = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunked = (
        HEAD
        + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\n"
        + body[:5]
        + b"\r\n%x\r\n" % len(body[5:])
        + body[5:]
        + b"\r\n0\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", stack.port), timeout=5) as connection:
        for pieces in (
            [whole[:20], whole[20:180], whole[180:]],
            [whole],
            [chunked[:-9], chunked[-9:]],
        ):
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(0.05)
            answer = connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 201"), answer
            assert b"a trozos" in answer


def test_a_client_that_waits_to_be_told_is_told_to_continue(stack: Stack) -> None:
    body = b"{}"
    head = HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", stack.port), timeout=5) as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        answer = b""
        while b"HTTP/1.1 201" not in answer:
            piece = connection.recv(65536)
            assert piece, answer
            answer += piece


def test_a_kept_connection_serves_many_requests(stack: Stack) -> None:
    with stack.client() as client:
        for number in range(20):
            sent = {"title": f"{number}" * 100}
            answer = client.post("/api/conversations", json=sent)
            assert (answer.status_code, answer.json()["title"]) == (201, sent["title"])
        assert client.get("/health").status_code == 200
    assert httpx.get(f"{stack.url}/health", verify=False).status_code == 200


def test_whoever_reads_does_not_stand_in_the_line_of_those_who_post(stack: Stack) -> None:
    """As many as the process has threads want what somebody else holds."""
    with stack.client() as client:
        conversation = client.post("/api/conversations", json={}).json()["id"]
        job = client.post("/api/ask", json={"content": "hola"}).json()["id"]
    path = f"/api/conversations/{conversation}/messages"
    database = Database(stack.database_url, pool_size=1)

    def post(number: int) -> int:
        with stack.client() as client:
            return client.post(path, json={"content": f"turn {number}"}).status_code

    with ThreadPoolExecutor(POSTING) as crowd:
        with database.transaction() as session:
            session.execute(text("SELECT FROM conversations FOR UPDATE"))
            posts = [crowd.submit(post, number) for number in range(POSTING)]
            while session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")) == 0:
                time.sleep(0.01)
            time.sleep(0.3)  # whoever can is waiting for the row by now
            with stack.client(timeout=2) as client:
                for url in ("/health", f"/api/jobs/{job}?wait=0", "/api/conversations"):
                    assert client.get(url).status_code == 200
            assert not any(each.done() for each in posts)
        assert [each.result(20) for each in posts] == [202] * POSTING
    database.close()
