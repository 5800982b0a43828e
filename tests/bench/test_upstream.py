"""The bench's upstream speaks the protocol: a figure against a wrong server is worth nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from bench.upstream import TOKENS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.upstream"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait(10)


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
