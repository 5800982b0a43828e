"""OpenAI's two calls over prepared answers: GET /v1/models and POST /v1/chat/completions.

The order of a stream is the vendor's: a chunk with the role, the text's pieces, a chunk with the
finish_reason, a chunk with the usage if `stream_options.include_usage` asked for it, [DONE].
https://platform.openai.com/docs/api-reference/chat/streaming
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from deploy.demo.answers import ASKS_FOR_A_TITLE, answer_to, pieces_of, title_of

MODEL = "epicode-demo"
# Seconds: a title of a few words is no slower than the words of an answer.
SLOWEST_PIECE = 0.25


@dataclass(frozen=True)
class Pace:
    """Seconds to the first piece and to the last one."""

    first: float
    whole: float


@dataclass(frozen=True)
class Completion:
    """One answer, ready to be said. Tokens are the demo's own pieces: near the vendor's count."""

    reply_id: str
    created: int
    pieces: list[str]
    finish_reason: str
    usage: dict[str, int]


class BadRequest(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


PACE = web.AppKey("pace", Pace)


def create_app(pace: Pace) -> web.Application:
    app = web.Application(client_max_size=16 * 2**20, middlewares=[_errors_as_json])
    app[PACE] = pace
    app.router.add_get("/v1/models", list_models)
    app.router.add_post("/v1/chat/completions", complete)
    return app


async def list_models(request: web.Request) -> web.Response:
    model = {"id": MODEL, "object": "model", "created": 1, "owned_by": "epicode"}
    return web.json_response({"object": "list", "data": [model]})


async def complete(request: web.Request) -> web.StreamResponse:
    asked = await _read(request)
    completion = _prepare(asked)
    if asked.get("stream") is True:
        with_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
        return await _stream(request, completion, with_usage)
    await asyncio.sleep(request.app[PACE].first)
    return web.json_response(_whole(completion))


async def _read(request: web.Request) -> dict[str, Any]:
    try:
        asked = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise BadRequest(400, "invalid_json", "the body is not JSON") from None
    if not isinstance(asked, dict):
        raise BadRequest(400, "invalid_request", "the body must be a JSON object")
    if asked.get("model") != MODEL:
        message = f"the demo server has one model: {MODEL}"
        raise BadRequest(404, "model_not_found", message)
    messages = asked.get("messages")
    if not isinstance(messages, list) or not any(_text_of(message) for message in messages):
        raise BadRequest(400, "invalid_request", "messages must hold at least one text")
    return asked


def _prepare(asked: dict[str, Any]) -> Completion:
    messages = asked["messages"]
    turns = [_text_of(message) for message in messages if _role_of(message) == "user"]
    asks_for_a_title = _instruction(messages).startswith(ASKS_FOR_A_TITLE)
    pieces = pieces_of(title_of(turns) if asks_for_a_title else answer_to(turns))
    limit = asked.get("max_completion_tokens") or asked.get("max_tokens")
    finish_reason = "stop"
    if isinstance(limit, int) and 0 < limit < len(pieces):
        pieces, finish_reason = pieces[:limit], "length"
    read = sum(len(pieces_of(_text_of(message))) for message in messages)
    usage = {
        "prompt_tokens": read,
        "completion_tokens": len(pieces),
        "total_tokens": read + len(pieces),
    }
    reply_id = f"chatcmpl-{uuid.uuid4().hex}"
    return Completion(reply_id, int(time.time()), pieces, finish_reason, usage)


def _instruction(messages: list[Any]) -> str:
    """The first message's text, if it is the system's; else ""."""
    return _text_of(messages[0]) if _role_of(messages[0]) == "system" else ""


def _role_of(message: Any) -> str:
    return str(message.get("role")) if isinstance(message, dict) else ""


def _text_of(message: Any) -> str:
    """A message's text; "" where it has none. Content may be a list of typed parts."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


async def _stream(
    request: web.Request, completion: Completion, with_usage: bool
) -> web.StreamResponse:
    headers = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    pace = request.app[PACE]
    every = (pace.whole - pace.first) / max(1, len(completion.pieces) - 1)
    every = min(every, SLOWEST_PIECE)
    begun = time.monotonic()
    for index, chunk in enumerate(_chunks(completion, with_usage)):
        # the role's chunk goes out at once, the ones after the last piece without a wait;
        # times count from the beginning, so that slow writes don't add up
        if 0 < index <= len(completion.pieces):
            due = begun + pace.first + (index - 1) * every
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await response.write(b"data: " + json.dumps(chunk, ensure_ascii=True).encode() + b"\n\n")
    await response.write(b"data: [DONE]\n\n")
    return response


def _chunks(completion: Completion, with_usage: bool) -> Iterator[dict[str, Any]]:
    frame: dict[str, Any] = {
        "id": completion.reply_id,
        "object": "chat.completion.chunk",
        "created": completion.created,
        "model": MODEL,
    }
    if with_usage:
        frame["usage"] = None

    def delta(content: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": content, "finish_reason": finish_reason}
        return {**frame, "choices": [choice]}

    yield delta({"role": "assistant", "content": ""})
    for piece in completion.pieces:
        yield delta({"content": piece})
    yield delta({}, completion.finish_reason)
    if with_usage:
        yield {**frame, "choices": [], "usage": completion.usage}


def _whole(completion: Completion) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(completion.pieces)}
    choice = {"index": 0, "message": message, "finish_reason": completion.finish_reason}
    return {
        "id": completion.reply_id,
        "object": "chat.completion",
        "created": completion.created,
        "model": MODEL,
        "choices": [choice],
        "usage": completion.usage,
    }


@web.middleware
async def _errors_as_json(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        answer: web.StreamResponse = await handler(request)
        return answer
    except BadRequest as error:
        return _problem(error.status, error.code, str(error))
    except web.HTTPException as error:
        return _problem(error.status, "invalid_request", f"{request.method} {request.path}")


def _problem(status: int, code: str, message: str) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return web.json_response({"error": error}, status=status)
