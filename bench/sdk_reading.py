"""The other way to read a model's answer: the SDK's own stream objects.

The product reads the bytes itself (`worker/chunks.py`). This is what it is compared with: by time
in `bench/reading.py`, by what is read in `tests/worker/test_reading.py`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import openai

from common.jobs import Usage
from worker.chunks import Counted, Event, Finish, NoChunk, Reported, Text, Thinking
from worker.upstream import AS_IT_IS, Request, Upstream, translated


async def sdk_events(upstream: Upstream, request: Request) -> AsyncGenerator[Event, None]:
    """`Upstream.stream`, but for who parses: the same client, events and errors."""
    with translated(request.limits.id):
        try:
            answer = await upstream.client.chat.completions.create(
                **request.body(), extra_headers=AS_IT_IS
            )
            async with answer as chunks:
                async for chunk in chunks:
                    for event in _events(chunk):
                        yield event
        except json.JSONDecodeError as error:
            raise NoChunk from error
        except openai.APIError as error:
            if type(error) is openai.APIError:  # its subclasses are statuses and connections
                raise Reported(error.body) from error
            raise


def _events(chunk: Any) -> list[Event]:
    events: list[Event] = []
    for choice in chunk.choices or []:
        if choice.index:
            continue  # one answer was asked for
        delta = choice.delta
        if delta is not None and delta.content:
            events.append(Text(delta.content))
        elif getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None):
            events.append(Thinking())
        if choice.finish_reason:
            events.append(Finish(choice.finish_reason))
        break
    usage = getattr(chunk, "usage", None)
    if usage is not None:
        events.append(Counted(_usage(usage)))
    return events


def _usage(told: Any) -> Usage:
    sent, said = told.prompt_tokens_details, told.completion_tokens_details
    return Usage(
        input_tokens=told.prompt_tokens,
        output_tokens=told.completion_tokens,
        cached_tokens=(sent and sent.cached_tokens) or 0,
        reasoning_tokens=(said and said.reasoning_tokens) or 0,
    )
