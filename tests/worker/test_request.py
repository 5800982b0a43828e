"""What is sent to the model server: each model gets the parameters that it takes."""

import asyncio
import uuid
from typing import Any

import pytest

from common.catalogue import Catalogue
from tests.upstream import Upstream
from worker.context_window import Part
from worker.upstream import AS_IT_IS, Request
from worker.upstream import Upstream as Client

ASKED = {"temperature": 0.2, "reasoning_effort": "low", "max_output_tokens": 500}
PARTS = [Part(uuid.uuid4(), "system", "Sé breve."), Part(uuid.uuid4(), "user", "¿Qué es un lease?")]


def sent(model: str, params: dict[str, Any]) -> dict[str, Any]:
    return Request(Catalogue().limits(model), PARTS, params).body()


def test_the_window_is_streamed_in_order_and_usage_is_asked_for() -> None:
    body = sent("chatgpt-4o-latest", {})

    assert body == {
        "model": "chatgpt-4o-latest",
        "messages": [
            {"role": "system", "content": "Sé breve."},
            {"role": "user", "content": "¿Qué es un lease?"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize("model", ["chatgpt-4o-latest", "gpt-4o-mini-2024-07-18", "qwen3-coder"])
def test_a_chat_model_takes_a_temperature_and_max_tokens(model: str) -> None:
    body = sent(model, ASKED)

    assert (body["temperature"], body["max_tokens"]) == (0.2, 500)
    assert not {"reasoning_effort", "max_completion_tokens"} & set(body)


@pytest.mark.parametrize("model", ["o4-mini", "o3", "openai/o1-preview"])
def test_the_o_series_takes_an_effort_and_max_completion_tokens(model: str) -> None:
    body = sent(model, ASKED)

    assert (body["reasoning_effort"], body["max_completion_tokens"]) == ("low", 500)
    assert not {"temperature", "max_tokens"} & set(body)


def test_no_more_output_is_asked_for_than_the_model_can_give() -> None:
    assert sent("chatgpt-4o-latest", {"max_output_tokens": 1_000_000})["max_tokens"] == 16_384


def test_a_call_goes_out_as_the_sdk_would_send_it() -> None:
    question = Request(Catalogue().limits("gpt-test"), PARTS, {})

    async def ask(url: str) -> None:
        client = Client(url, "k", connect_seconds=2)
        try:
            async for _ in client.stream(question):
                pass
            answer = await client.client.chat.completions.create(
                **question.body(), extra_headers=AS_IT_IS
            )
            async for _ in answer:
                pass
        finally:
            await client.close()

    with Upstream() as server:
        asyncio.run(ask(server.url))

    ours, theirs = server.requests[-2:]
    # which says that the SDK tried no more than once
    assert theirs.headers.pop("x-stainless-retry-count") == "0"
    assert ours.headers["authorization"] == "Bearer k"
    assert (ours.path, ours.body) == (theirs.path, theirs.body)
    lengths = ours.headers.pop("content-length"), theirs.headers.pop("content-length")
    assert all(int(length) > 0 for length in lengths)  # spaces between names and values
    assert ours.headers == theirs.headers
