"""gunicorn renews its processes while it answers: nobody is refused, nothing is lost."""

from __future__ import annotations

import signal
import socket
import threading
import time
from pathlib import Path

import httpx

from tests.databases import Databases
from tests.stack import Stack, wait_until
from tests.upstream import Upstream


def children(pid: int) -> set[int]:
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.add(int(stat.parent.name))
    return found


def test_a_reload_under_load_refuses_nobody(databases: Databases) -> None:
    with (
        Upstream() as upstream,
        Stack(databases, upstream, {"WEB_CONCURRENCY": "2"}).start() as stack,
    ):
        assert stack.web is not None
        before, over = children(stack.web.pid), threading.Event()
        answers: list[int | str] = []

        def ask() -> None:
            while not over.wait(0.05):
                try:  # a connection each, as a proxy without keep-alive would make them
                    answer = httpx.post(f"{stack.url}/api/ask", json={"content": "x"}, verify=False)
                    answers.append(answer.status_code)
                except httpx.TransportError as error:
                    answers.append(type(error).__name__)

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        wait_until(lambda: len(answers) > 10, what="the first answers")
        stack.web.signal(signal.SIGHUP)
        wait_until(
            lambda: (
                len(now := children(stack.web.pid) - before) == 2  # type: ignore[union-attr]
                and not children(stack.web.pid) & before  # type: ignore[union-attr]
                and bool(now)
            ),
            what="two new processes and none of the old",
            log=stack.web.log,
        )
        renewed = len(answers)
        wait_until(lambda: len(answers) > renewed + 10, what="answers of the new ones")
        over.set()
        for thread in asking:
            thread.join()

        assert set(answers) == {202}
        wait_until(
            lambda: httpx.get(f"{stack.url}/api/jobs?active=1", verify=False).json()["data"] == [],
            what="every reply",
        )
        assert stack.audit() == []


def test_who_has_just_connected_is_answered_by_a_process_that_ends(
    databases: Databases,
) -> None:
    request = b"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    request += b"Content-Length: 15\r\n\r\n" + b'{"content":"x"}'
    with Upstream() as upstream, Stack(databases, upstream) as stack:
        web = stack.start_web()
        for sent in (0, len(request) - 1):
            before = children(web.pid)
            with socket.create_connection(("127.0.0.1", stack.port)) as client:
                client.sendall(request[:sent])
                time.sleep(0.2)  # until it is taken
                web.signal(signal.SIGHUP)
                wait_until(lambda before=before: children(web.pid) - before, what="a new process")
                time.sleep(0.3)  # until the old one knows
                assert children(web.pid) & before
                client.sendall(request[sent:])
                client.settimeout(10)
                assert client.recv(100).startswith(b"HTTP/1.1 202 ")
            wait_until(lambda before=before: not children(web.pid) & before, what="its end")
