"""Polls that the process's loop answers: the same answers as anywhere else, and only plain ones."""

import hashlib
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
import redis

from common.config import TestingConfig
from common.live_log_scripts import APPEND, WRITE_HASH
from tests.common.redis_commands import redis_commands
from tests.reader import Reader, ask
from tests.stack import Stack, free_port, wait_until
from tests.upstream import Done, End, Gate, Script, Text
from web.create_app import create_app
from web.pacing import OF_LOOP_MS
from web.quick_polls import LONGEST_ANSWER, LONGEST_PACKED, RULE, QuickPolls

SAID = "año tras año, y así"
OF_EACH_ANSWER = {"date", "x-request-id"}


@pytest.fixture(scope="module")
def running(stack: Stack) -> Iterator[Reader]:
    """A reply that has said something and is held there."""
    stack.upstream.script("[[held]]", Script(steps=(Text(SAID), Gate("held"), End(), Done())))
    with stack.client() as client:
        reader = ask(client, "[[held]]")
        reader.read_until_text()
        stack.upstream.wait_at("held")
        while reader.text != SAID:
            reader.poll()
        yield reader
        stack.upstream.open("held")
        reader.read_to_end()


@pytest.fixture(scope="module")
def path(running: Reader) -> str:
    return f"/api/jobs/{running.job_id}"


@pytest.mark.parametrize("cursor", ["", "MS4w", "MS4z", "MS4y", "MS45OQ", "MC4w"])
def test_a_plain_poll_is_answered_as_any_other(stack: Stack, path: str, cursor: str) -> None:
    query = f"?cursor={cursor}" if cursor else ""
    with stack.client() as client:
        plain = client.get(path + query)
        other = client.get(path + query, headers={"Prefer": "wait=0"})

    # it costs less, and so may come again sooner
    assert plain.json()["poll_after_ms"] == OF_LOOP_MS
    soon = {"poll_after_ms": OF_LOOP_MS}
    assert (plain.status_code, plain.json()) == (other.status_code, other.json() | soon)
    assert plain.status_code == 200
    assert _lasting(plain) == _lasting(other)


@pytest.mark.parametrize("cursor", ["", "MS4w", "MS4y", "MS45OQ", "Mi4w"])
def test_a_reply_that_has_just_ended_is_told_as_the_database_tells_it(
    stack: Stack, cursor: str
) -> None:
    stack.upstream.script("[[ended]]", Script(steps=(Text(SAID), Text("."), End(), Done())))
    with stack.client() as client, redis.Redis.from_url(stack.environment["REDIS_URL"]) as live:
        reader = ask(client, "[[ended]]")
        reader.read_to_end()
        job = f"live:{reader.job_id}"
        ends_at = time.monotonic() + 5
        while not live.hexists(job, "ended"):  # told right after it is saved
            assert time.monotonic() < ends_at
            time.sleep(0.01)
        path = f"/api/jobs/{reader.job_id}{f'?cursor={cursor}' if cursor else ''}"
        told = client.get(path)
        live.delete(job)
        stored = client.get(path)

    assert told.json() == stored.json()
    assert told.json()["status"] == "completed"
    assert _lasting(told) == _lasting(stored)


def test_a_plain_poll_is_counted(stack: Stack, path: str) -> None:
    with stack.client() as client:
        before = _counted(client)
        for _ in range(3):
            client.get(path)
        assert _counted(client) == before + 3


def test_a_plain_poll_costs_one_redis_command(stack: Stack, path: str) -> None:
    job_id = path.rpartition("/")[2]
    with stack.client() as client:
        client.get(path)
        with redis_commands(stack.environment["REDIS_URL"]) as commands:
            for _ in range(5):
                client.get(path)
    assert _asked_of(job_id, commands) == ["EVALSHA"] * 5


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({"Host": "example.org"}, "", 403),
        ({"Host": "localhost\r\nHost: localhost"}, "", 400),
        ({"If-None-Match": '"nothing"'}, "", 200),
        ({"Authorization": "Bearer nobody"}, "", 401),
        ({"Connection": "close"}, "", 200),
        ({"Content-Length": "0"}, "", 200),
        ({"X_Y": "1", "Host": "localhost"}, "", 200),
        ({}, "?cursor=nonsense", 422),
        ({}, "?cursor=MS4w&cursor=MS4w", 200),
        ({}, "?wait=0", 200),
        ({}, "?other=1", 200),
    ],
)
def test_what_is_not_plain_is_answered_as_ever(
    stack: Stack, path: str, headers: dict[str, str], query: str, status: int
) -> None:
    lines = [f"{name}: {value}" for name, value in ({"Host": "localhost"} | headers).items()]
    answer = _told(stack, f"GET {path}{query} HTTP/1.1", *lines)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer


def test_unknown_jobs_are_not_found_by_either_way(stack: Stack) -> None:
    nobody = "/api/jobs/0198c5a0-0000-7000-8000-000000000000"
    assert _told(stack, f"GET {nobody} HTTP/1.1", "Host: localhost").startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("requests", [1, 2])
@pytest.mark.parametrize("cut", [0, 30])
def test_pieces_and_requests_right_behind_are_answered_too(
    stack: Stack, path: str, requests: int, cut: int
) -> None:
    sent = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * requests
    with closing(socket.create_connection(("127.0.0.1", stack.port), timeout=5)) as connection:
        connection.sendall(sent[:cut])
        time.sleep(0.05)
        connection.sendall(sent[cut:])
        seen = b""
        while seen.count(b'"status":"in_progress"') < requests:
            piece = connection.recv(65536)
            assert piece, seen
            seen += piece


@pytest.mark.parametrize("words", [200, 1000, 5000, 10_000])
@pytest.mark.parametrize("accepted", ["gzip, deflate, br", "gzip;q=0, br", None])
def test_a_long_answer_is_packed_for_who_takes_that(
    stack: Stack, path: str, words: int, accepted: str | None
) -> None:
    short = path
    long, gate = "palabra " * words, f"long {words} {accepted}"  # an opened gate stays open
    stack.upstream.script("[[long]]", Script(steps=(Text(long), Gate(gate), End(), Done())))
    with stack.client() as client:
        reader = ask(client, "[[long]]")
        while reader.text != long:
            reader.poll()
        path = f"/api/jobs/{reader.job_id}"
        del client.headers["Accept-Encoding"]
        accepts = {"Accept-Encoding": accepted} if accepted else {}
        # after Redis was slow the loop asks nothing for a while
        wait_until(
            lambda: client.get(short).json()["poll_after_ms"] == OF_LOOP_MS, what="a plain poll"
        )
        with redis_commands(stack.environment["REDIS_URL"]) as commands:
            plain = client.get(path, headers=accepts)
        other = client.get(path, headers=accepts | {"Prefer": "wait=0"})
        stack.upstream.open(gate)
        reader.read_to_end()
    is_packed = accepted is not None and "gzip;q=0" not in accepted
    # the longest are left to a thread, which asks again
    is_quick = len(long) < (LONGEST_PACKED if is_packed else LONGEST_ANSWER)
    assert _asked_of(reader.job_id, commands) == ["EVALSHA"] * (1 if is_quick else 2)
    assert plain.headers.get("Content-Encoding") == ("gzip" if is_packed else None)
    assert plain.headers["Vary"] == "Accept-Encoding"
    assert plain.json()["text"] == long
    of_pace = {"content-length"}  # `poll_after_ms` differs
    assert {k: v for k, v in _lasting(plain).items() if k not in of_pace} == {
        k: v for k, v in _lasting(other).items() if k not in of_pace
    }


def test_while_redis_is_away_nothing_is_plain(config: TestingConfig) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    app = create_app(config.model_copy(update={"REDIS_URL": nowhere}))
    polls = QuickPolls(app.extensions["epicode"])
    request = b"GET /api/jobs/0198c5a0-0000-7000-8000-000000000000 HTTP/1.1\r\nHost: [::1]\r\n\r\n"

    plain = polls.plain(request)
    assert plain is not None
    assert polls.answers([plain, plain]) == [None, None]
    assert polls.plain(request) is None


def test_the_counted_route_is_that_of_the_poll(config: TestingConfig) -> None:
    app = create_app(config)
    assert [rule.rule for rule in app.url_map.iter_rules("jobs.poll_job")] == [RULE]


def _lasting(answer: httpx.Response) -> dict[str, str]:
    return {
        name.lower(): value
        for name, value in answer.headers.items()
        if name.lower() not in OF_EACH_ANSWER
    }


def _told(stack: Stack, *lines: str) -> bytes:
    """The beginning of the answer to these lines."""
    with closing(socket.create_connection(("127.0.0.1", stack.port), timeout=5)) as connection:
        connection.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
        return connection.recv(65536)


def _counted(client: httpx.Client) -> float:
    name = f'epicode_requests_total{{route="GET {RULE}",status="200"}}'
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(name):
            return float(line.split()[-1])
    return 0.0


def _asked_of(job_id: str, commands: list[str]) -> list[str]:
    """The names of the commands about a job that aren't its worker's: that one looks for the cancel
    mark of whatever runs, and shows it anew with each renewal."""
    of_worker = ("MGET", *(f"EVALSHA {_sha(script)}" for script in (WRITE_HASH, APPEND)))
    asked = [each for each in commands if job_id in each and not each.startswith(of_worker)]
    return [command.split()[0] for command in asked]


def _sha(script: str) -> str:
    """By which Redis knows it."""
    return hashlib.sha1(script.encode()).hexdigest()
