"""The demonstration server over its own HTTP, as a process and through the openai package."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from deploy.demo.answers import answer_to
from worker.titling import INSTRUCTION

ROOT = Path(__file__).parents[2]
QUESTION = [{"role": "user", "content": "¿Qué es un cerrojo?"}]


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "deploy.demo", "--port", str(port), "--seconds", "0.5"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == f"demo: http://127.0.0.1:{port}/v1\n"
    url = f"http://127.0.0.1:{port}/v1"
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    yield url
    process.terminate()
    assert process.wait(5) == 0


@pytest.fixture
def client(demo: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=demo, api_key="any", max_retries=0)


def post(url: str, body: bytes) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_it_gives_a_title_to_whom_asks_for_one(client: openai.OpenAI) -> None:
    asked: list[Any] = [{"role": "system", "content": INSTRUCTION}, *QUESTION]

    said = client.chat.completions.create(model="epicode-demo", messages=asked)

    assert said.choices[0].message.content == "Qué es un cerrojo"


def test_it_lists_its_one_model(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["epicode-demo"]


def test_it_streams_the_prepared_answer_with_reason_and_usage(client: openai.OpenAI) -> None:
    begun = time.monotonic()
    stream = client.chat.completions.create(
        model="epicode-demo",
        messages=QUESTION,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)

    deltas = [chunk.choices[0] for chunk in chunks if chunk.choices]
    text = "".join(choice.delta.content or "" for choice in deltas)
    assert text == answer_to(["¿Qué es un cerrojo?"])
    assert deltas[0].delta.role == "assistant"
    assert deltas[-1].finish_reason == "stop"
    usage = chunks[-1].usage
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 400
    assert 0.4 < time.monotonic() - begun < 5


def test_without_being_asked_a_stream_has_no_usage(client: openai.OpenAI) -> None:
    chunks = client.chat.completions.create(model="epicode-demo", messages=QUESTION, stream=True)

    assert all(chunk.usage is None for chunk in chunks)


def test_without_stream_it_answers_whole(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="epicode-demo", messages=QUESTION)

    assert answer.choices[0].message.content == answer_to(["¿Qué es un cerrojo?"])
    assert answer.usage is not None


def test_a_limit_of_tokens_ends_it_for_length(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="epicode-demo", messages=QUESTION, max_completion_tokens=5
    )

    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b"[" * 100_000, 400, "invalid_json"),
        (b"[]", 400, "invalid_request"),
        (b'{"model": "epicode-demo"}', 400, "invalid_request"),
        (b'{"model": "epicode-demo", "messages": [1, null]}', 400, "invalid_request"),
        (b'{"model": "gpt-9", "messages": []}', 404, "model_not_found"),
    ],
)
def test_bad_requests_get_the_vendors_error_shape(
    demo: str, body: bytes, status: int, code: str
) -> None:
    answered, problem = post(demo + "/chat/completions", body)

    assert (answered, problem["error"]["code"]) == (status, code)


def test_an_unknown_path_is_an_error_in_json(demo: str) -> None:
    status, problem = post(demo + "/nothing", b"{}")

    assert (status, problem["error"]["code"]) == (404, "invalid_request")
