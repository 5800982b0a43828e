"""The bench's upstream speaks the protocol: a figure against a wrong server is worth nothing."""

from __future__ import annotations

import json
import urllib.request

import openai

from bench.upstream import TOKENS, Pace


def test_it_streams_its_tokens_and_records_when(address: str) -> None:
    client = openai.OpenAI(base_url=address + "/v1", api_key="any", max_retries=0)
    stream = client.chat.completions.create(
        model="bench-model",
        messages=[{"role": "user", "content": "go bench-00ff"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    with urllib.request.urlopen(address + "/bench/records") as answer:
        ((arrived, first_text, last_byte),) = json.load(answer)["bench-00ff"]

    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == "".join(TOKENS)
    assert choices[-1].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert 0.99 < first_text - arrived < 1.5
    assert 2.97 < last_byte - arrived < 4
    assert [model.id for model in client.models.list()] == ["bench-model"]


def test_a_marker_names_another_pace_and_the_newest_counts(address: str) -> None:
    pace = Pace(tokens=7, every_ms=1, first_ms=10)
    client = openai.OpenAI(base_url=address + "/v1", api_key="any", max_retries=0)
    chunks = list(
        client.chat.completions.create(
            model="bench-model",
            messages=[
                {"role": "user", "content": f"before {Pace(tokens=3).marker('aa')}"},
                {"role": "assistant", "content": "palabra000 "},
                {"role": "user", "content": f"now {pace.marker('bb')}"},
            ],
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == pace.text == "".join(TOKENS[:7])
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 7
    with urllib.request.urlopen(address + "/bench/records") as answer:
        assert list(json.load(answer)) == [pace.marker("bb")]


def test_a_pace_knows_its_length() -> None:
    assert Pace().seconds == 2.98
    assert Pace(tokens=500).seconds == 10.98
