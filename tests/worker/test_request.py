"""What is sent to the model server: each model gets the parameters that it takes."""

import uuid
from typing import Any

import pytest

from common.catalogue import Catalogue
from worker.context_window import Part
from worker.upstream import Request

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
