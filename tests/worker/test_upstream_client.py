"""What the model server's client makes of an answer: headers, bodies, what is no HTTP at all."""

import asyncio
import gzip
import os
import time
import tracemalloc
import uuid
from collections.abc import Iterator

import pytest

from common.catalogue import Limits
from tests.upstream import (
    Cut,
    Done,
    End,
    Raw,
    Script,
    Silence,
    Text,
    Upstream,
    failing,
    http_date,
    sse,
)
from worker.context_window import Part
from worker.upstream import Request, UpstreamError
from worker.upstream import Upstream as Client

QUESTION = Request(Limits(id="gpt-test", label="test"), [Part(uuid.uuid4(), "user", "hi")], {})
LISTING = b'{"data":[{"id":"one","max_model_len":8192},{"id":"two"}]}'


@pytest.fixture(scope="module")
def server() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


async def _ask(url: str, key: str) -> None:
    client = Client(url, key, connect_seconds=2)
    try:
        async with asyncio.timeout(20):
            async for _ in client.stream(QUESTION):
                pass
    finally:
        await client.close()


def refusal(server: Upstream, answer: Script, key: str = "k") -> UpstreamError:
    """The error that this answer becomes."""
    server.default = answer
    with pytest.raises(UpstreamError) as refused:
        asyncio.run(_ask(server.url, key))
    return refused.value


def refusal_of_bytes(answer: bytes) -> UpstreamError:
    """The same for an answer that no HTTP server gives."""

    async def ask() -> None:
        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            writer.close()

        listening = await asyncio.start_server(speak, "127.0.0.1", 0)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            await _ask(f"http://127.0.0.1:{port}/v1", "k")

    with pytest.raises(UpstreamError) as refused:
        asyncio.run(ask())
    return refused.value


@pytest.fixture
def far_from_greenwich() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Kiritimati"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 0.3 ", 0.3),
        ("-7", 0.0),
        ("1000000000000", 1e12),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("soon", None),
        ("", None),
        ("²", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("Sun Nov  6 08:49:37 1994", 0.0),
        ("Mon, 99 Foo 2030 00:00:00 GMT", None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("Wed, 21 Oct 2099 07:28:00 +9999", None),
    ],
)
def test_a_wait_is_read_or_there_is_none(
    server: Upstream, told: str, seconds: float | None
) -> None:
    refused = refusal(server, failing(429, retry_after=told))

    assert (refused.code, refused.retry_after) == ("rate_limited", seconds)


@pytest.mark.parametrize(
    ("told", "seconds"), [("1500", 1.5), ("-1", 0.0), ("²", 9.0), ("9" * 5000, 9.0)]
)
def test_milliseconds_come_before_seconds_where_they_are_a_number(
    server: Upstream, told: str, seconds: float
) -> None:
    headers = {"retry-after-ms": told, "retry-after": "9"}

    refused = refusal(server, Script(status=429, headers=headers, json={"error": {}}))

    assert refused.retry_after == seconds


@pytest.mark.usefixtures("far_from_greenwich")
@pytest.mark.parametrize("zone", [" GMT", " +0000", " -0000", ""])
def test_a_date_is_greenwichs_whether_it_says_so_or_not(server: Upstream, zone: str) -> None:
    told = http_date(30).replace(" GMT", zone)

    refused = refusal(server, failing(503, retry_after=told))

    assert refused.retry_after is not None
    assert 20 < refused.retry_after <= 30


@pytest.mark.parametrize(
    ("told", "code", "retryable"),
    [
        ({"code": 429}, "rate_limited", True),
        ({"code": "429"}, "rate_limited", True),
        ({"code": "rate_limit_exceeded"}, "rate_limited", True),
        ({"code": None, "type": "insufficient_quota"}, "quota_exceeded", False),
        ({"code": "context_length_exceeded"}, "context_length_exceeded", False),
        ({"code": 400, "message": "the prompt is too long"}, "context_length_exceeded", False),
        ({"code": 401}, "invalid_api_key", False),
        ({"type": "invalid_request_error"}, "upstream_rejected", False),
        ({"code": 500, "type": "server_error"}, "upstream_unavailable", True),
        ({"code": 7, "type": [1]}, "upstream_unavailable", True),
        ({"message": "no memory"}, "upstream_unavailable", True),
        ("no memory", "upstream_unavailable", True),
    ],
)
def test_an_error_in_mid_stream_means_what_its_status_would(
    server: Upstream, told: object, code: str, retryable: bool
) -> None:
    refused = refusal(server, Script(steps=(Text("half"), Raw(sse({"error": told})))))

    assert (refused.code, refused.retryable) == (code, retryable)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"220 mail.example ESMTP\r\n\r\n", "upstream_malformed"),
        (b"HTTP/1.1 1000 OK\r\n\r\n", "upstream_malformed"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", "upstream_malformed"),
        (b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", "upstream_malformed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "upstream_malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Len", "upstream_unavailable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ndata: {}\n\n", "upstream_unavailable"),
        (b"", "upstream_unavailable"),
    ],
)
def test_what_is_no_http_is_an_answer_that_can_be_tried_again(answer: bytes, code: str) -> None:
    refused = refusal_of_bytes(answer)

    assert (refused.code, refused.retryable) == (code, True)


def test_of_a_long_error_only_the_beginning_is_read(server: Upstream) -> None:
    told = sse({"error": {"code": "context_length_exceeded"}})[6:]
    endless = Script(status=400, steps=(Raw(told), *(Raw(b" " * 65_536),) * 800))

    refused = refusal(server, endless)

    assert refused.code == "context_length_exceeded"
    request = server.requests[-1]
    server.wait_closed(request)
    assert request.finished_at is None


def test_of_an_error_nothing_is_unpacked_that_nobody_asked_to_be_packed(server: Upstream) -> None:
    told = sse({"error": {"code": "context_length_exceeded"}})[6:] + b" " * 50_000_000
    packed = Script(status=400, body=gzip.compress(told), headers={"content-encoding": "gzip"})

    tracemalloc.start()
    refused = refusal(server, packed)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert refused.code == "upstream_rejected"
    assert most < len(told) / 5


def test_an_error_whose_body_breaks_off_is_still_an_error(server: Upstream) -> None:
    refused = refusal(server, Script(status=500, steps=(Raw(b'{"error'), Cut())))

    assert (refused.code, refused.retryable) == ("upstream_unavailable", True)


def test_a_redirect_is_followed_but_not_in_a_circle(server: Upstream) -> None:
    circle = Script(status=307, headers={"location": "/v1/chat/completions"}, body=b"")

    refused = refusal(server, circle)

    assert (refused.code, refused.retryable) == ("upstream_unavailable", True)


def test_a_key_that_no_header_can_carry_is_an_invalid_one(server: Upstream) -> None:
    refused = refusal(server, failing(500), key="clave-ñ")

    assert (refused.code, refused.retryable) == ("invalid_api_key", False)


def test_a_connection_is_used_again_though_its_answer_ends_after_the_last_word() -> None:
    connections = 0

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        # up to the end of a head; the body before it is the last question's
        while True:
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            writer.write(b"e\r\ndata: [DONE]\n\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)  # a packet of its own, as most servers send it
            writer.write(b"0\r\n\r\n")

    async def ask_twice() -> None:
        listening = await asyncio.start_server(speak, "127.0.0.1", 0)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            client = Client(f"http://127.0.0.1:{port}/v1", "k", connect_seconds=2)
            for _ in range(2):
                async for _ in client.stream(QUESTION):
                    pass
            await client.close()

    asyncio.run(ask_twice())

    assert connections == 1


def test_an_answer_that_is_held_open_after_the_last_word_holds_nothing_back(
    server: Upstream,
) -> None:
    server.default = Script(steps=(Text("all of it"), End(), Done(), Silence()))

    asyncio.run(_ask(server.url, "k"))

    assert server.wait_closed(server.requests[-1])


def listed(body: bytes, content_type: str = "application/json") -> dict[str, dict[str, object]]:
    """What the client makes of this listing."""

    async def ask() -> dict[str, dict[str, object]]:
        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            writer.close()

        listening = await asyncio.start_server(speak, "127.0.0.1", 0)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            client = Client(f"http://127.0.0.1:{port}/v1", "k", connect_seconds=2)
            try:
                return await client.list_models()
            finally:
                await client.close()

    return asyncio.run(ask())


def test_a_listing_is_read_whatever_it_calls_itself() -> None:
    models = {"one": {"context_window": 8192}, "two": {}}

    assert listed(LISTING) == listed(LISTING, "text/html") == models


def test_a_name_that_can_not_be_saved_is_left_out() -> None:
    assert listed(b'{"data":[{"id":"a\\u0000b"},{"id":"one"}]}') == {"one": {}}


@pytest.mark.parametrize(
    "body",
    [
        b"<html>a page</html>",
        b"",
        b"5",
        b"null",
        b"[]",
        b"{}",
        b'{"data":5}',
        b'{"data":["one"]}',
        b'{"data":[{}]}',
        b'{"data":[{"id":5}]}',
        b'{"data":[{"id":"\\ud800"}]}',
        b"[" * 100_000,
        b'{"data":[' + b'{"id":"one"},' * 500_000 + b"]}",
    ],
)
def test_what_is_no_listing_is_an_error_and_no_crash(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        listed(body, "text/html" if body.startswith(b"<") else "application/json")
