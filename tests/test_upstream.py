"""The scripted upstream itself: other tests believe what it sends and what it records."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.upstream import (
    DONE,
    USAGE,
    Comment,
    Cut,
    Done,
    End,
    Gate,
    Raw,
    Reasoning,
    Script,
    Silence,
    Text,
    Upstream,
    failing,
    reply,
    sse,
)

ROOT = Path(__file__).parent.parent


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


def asked(text: str, **more: Any) -> dict[str, Any]:
    return {
        "model": "gpt-test",
        "stream": True,
        "messages": [{"role": "user", "content": text}],
        **more,
    }


def post(
    upstream: Upstream, body: Any, key: str = "k", give_up: float = 10.0
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and every byte of the answer; what came before a cut or `give_up` too."""

    async def talk() -> tuple[int, dict[str, str], bytes]:
        seen = b""
        async with (
            aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}) as session,
            session.post(upstream.url + "/chat/completions", json=body) as response,
        ):
            try:
                async with asyncio.timeout(give_up):
                    async for data in response.content.iter_any():
                        seen += data
            except (aiohttp.ClientError, TimeoutError):
                pass
            return response.status, {k.lower(): v for k, v in response.headers.items()}, seen

    return asyncio.run(talk())


def events(data: bytes) -> list[dict[str, Any]]:
    lines = [line[6:] for line in data.split(b"\n\n") if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def said(data: bytes) -> str:
    deltas = [chunk["choices"][0]["delta"] for chunk in events(data) if chunk["choices"]]
    return "".join(delta.get("content", "") for delta in deltas)


def test_by_default_it_echoes_the_last_user_turn(upstream: Upstream) -> None:
    status, headers, data = post(upstream, asked("¿qué tal? 🎉"))

    assert (status, said(data)) == (200, "echo: ¿qué tal? 🎉")
    assert headers["content-type"].startswith("text/event-stream")
    assert data.endswith(DONE)


def test_usage_is_sent_only_when_it_is_asked_for(upstream: Upstream) -> None:
    without = events(post(upstream, asked("a"))[2])
    with_usage = events(post(upstream, asked("a", stream_options={"include_usage": True}))[2])

    assert all("usage" not in chunk for chunk in without)
    assert (with_usage[-1]["choices"], with_usage[-1]["usage"]) == ([], USAGE)
    assert all(chunk["usage"] is None for chunk in with_usage[:-1])


def test_markers_come_before_models_and_models_before_the_queue(upstream: Upstream) -> None:
    upstream.script("[[x]]", reply("by marker"))
    upstream.script("gpt-other", reply("by model"))
    upstream.next(reply("by queue"))

    assert said(post(upstream, asked("hi [[x]]", model="gpt-other"))[2]) == "by marker"
    assert said(post(upstream, asked("hi", model="gpt-other"))[2]) == "by model"
    assert said(post(upstream, asked("hi"))[2]) == "by queue"
    assert said(post(upstream, asked("hi"))[2]) == "echo: hi"


def test_several_scripts_for_a_marker_are_used_in_turn_and_the_last_stays(
    upstream: Upstream,
) -> None:
    upstream.script("[[flaky]]", failing(429, "rate_limited", retry_after=2), reply("ok"))

    status, headers, data = post(upstream, asked("[[flaky]]"))

    assert (status, headers["retry-after"]) == (429, "2")
    assert json.loads(data)["error"]["code"] == "rate_limited"
    assert said(post(upstream, asked("[[flaky]]"))[2]) == "ok"
    assert said(post(upstream, asked("[[flaky]]"))[2]) == "ok"


def test_raw_bytes_comments_and_surrogates_go_out_as_written(upstream: Upstream) -> None:
    steps = (Raw(b"data: {nonsense\n\n"), Comment("hm"), Text("\ud83d"), Reasoning("…"), Text(""))
    upstream.next(Script(steps=steps))

    data = post(upstream, asked("a"))[2]

    assert data.startswith(b"data: {nonsense\n\n: hm\n\n")
    assert b'"content":"\\ud83d"' in data
    assert '"reasoning_content":"…"'.encode() in data
    assert b'"content":""' in data
    assert DONE not in data
    assert sse({"a": "é"}) == 'data: {"a":"é"}\n\n'.encode()


def test_a_gate_holds_the_stream_until_it_is_opened(upstream: Upstream) -> None:
    upstream.next(Script(steps=(Text("a"), Gate("go"), Text("b"), End(), Done())))

    assert said(post(upstream, asked("a"), give_up=0.3)[2]) == "a"
    upstream.wait_at("go")
    upstream.next(Script(steps=(Text("a"), Gate("go"), Text("b"), End(), Done())))
    upstream.open("go")
    assert said(post(upstream, asked("a"))[2]) == "ab"


def test_a_client_that_leaves_is_noticed_at_once(upstream: Upstream) -> None:
    upstream.next(Script(steps=(Text("a"), Silence())))

    before = time.time()
    post(upstream, asked("leaving"), give_up=0.2)

    (request,) = upstream.wait_for(1, "leaving")
    assert before < upstream.wait_closed(request) < before + 2
    assert request.finished_at is None


def test_a_cut_is_no_end_of_the_body_and_not_the_clients_doing(upstream: Upstream) -> None:
    upstream.next(Script(steps=(Text("a"), Cut())))

    async def read() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(upstream.url + "/chat/completions", json=asked("a")) as response,
        ):
            await response.read()

    with pytest.raises(aiohttp.ClientError):
        asyncio.run(read())
    assert upstream.requests[0].closed_at is None


def test_requests_are_recorded_with_body_headers_and_end(upstream: Upstream) -> None:
    body = asked("remember me", temperature=0.5)

    post(upstream, body, key="sk-1")

    (request,) = upstream.requests
    assert (request.path, request.body, request.model) == (
        "/v1/chat/completions",
        body,
        "gpt-test",
    )
    assert request.headers["authorization"] == "Bearer sk-1"
    assert request.text == "remember me"
    assert request.finished_at is not None
    assert request.closed_at is None


def test_a_request_without_stream_gets_one_json_answer(upstream: Upstream) -> None:
    status, _, data = post(upstream, asked("hi", stream=False))

    answer = json.loads(data)
    assert (status, answer["object"]) == (200, "chat.completion")
    assert answer["choices"][0]["message"]["content"] == "echo: hi"
    assert answer["usage"] == USAGE


def test_a_wrong_key_and_a_failing_listing_can_be_had(upstream: Upstream) -> None:
    async def listing() -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(upstream.url + "/models") as response,
        ):
            return response.status, await response.json()

    upstream.key = "right"
    upstream.models = ["one", "two"]

    assert post(upstream, asked("a"), key="wrong")[0] == 401
    assert post(upstream, asked("a"), key="right")[0] == 200
    status, models = asyncio.run(listing())
    assert (status, [model["id"] for model in models["data"]]) == (200, ["one", "two"])
    upstream.models_status = 500
    assert asyncio.run(listing())[0] == 500
    assert len(upstream.listings) == 2


def test_it_stops_in_mid_stream_and_comes_back_on_the_same_port() -> None:
    upstream = Upstream().start()
    upstream.default = Script(steps=(Text("a"), Gate("never")))
    address = upstream.url
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(post, upstream, asked("a"))
        upstream.wait_at("never")
        upstream.stop()

    assert said(reading.result()[2]) == "a"
    with pytest.raises(aiohttp.ClientConnectionError):
        post(upstream, asked("a"))

    upstream.start()
    upstream.default = reply("back")
    assert upstream.url == address
    assert said(post(upstream, asked("a"))[2]) == "back"
    upstream.stop()


def test_as_a_process_it_follows_the_instructions_in_the_users_text() -> None:
    command = [sys.executable, "-m", "tests.upstream", "--port", "0", "--models", "a,b"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        upstream = Upstream(port=int(process.stdout.readline().split(":")[2].split("/")[0]))

        assert said(post(upstream, asked("go [[chunks=3 every=0.01]]"))[2]) == "w0 w1 w2 "
        assert said(post(upstream, asked("[[chunks=9 cut=2]]"))[2]) == "w0 w1 "
        refused = post(upstream, asked("[[fail=503 code=busy retry_after=7]]"))
        assert (refused[0], refused[1]["retry-after"]) == (503, "7")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
