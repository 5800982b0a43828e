"""The model server: the only import of `openai`. A stream of events, or one UpstreamError.

The SDK sends the request; the answer's bytes are split and parsed here, because the SDK's stream
objects cost four times as much a token.
"""

import email.utils
import json
import re
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
import orjson

from common.catalogue import Limits
from common.jobs import Usage
from worker.context_window import Part

# A line longer than this is no answer of a model that we can save.
MAX_LINE_BYTES = 4 * 1024 * 1024
LISTING_TIMEOUT_SECONDS = 2.0
KEEP_ALIVE_SECONDS = 30.0

_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|maximum.{0,20}tokens|too many tokens|prompt is too long",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Text:
    """A piece of the reply."""

    text: str


@dataclass(frozen=True)
class Thinking:
    """The model reasons: a sign of life, no text of the reply."""


@dataclass(frozen=True)
class Finish:
    """The model says why it stopped."""

    reason: str


@dataclass(frozen=True)
class Counted:
    """The usage that the server counted."""

    usage: Usage


Event = Text | Thinking | Finish | Counted


class UpstreamError(Exception):
    """What went wrong, as a code of common/errors.py; `retry_after` in seconds."""

    def __init__(
        self, code: str, *, retryable: bool, retry_after: float | None = None, **params: Any
    ) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after
        self.params = params


@dataclass(frozen=True)
class Request:
    """One call: the model with its limits, the window's messages, the asker's params."""

    limits: Limits
    parts: Sequence[Part]
    params: dict[str, Any]

    def body(self) -> dict[str, Any]:
        """What is sent; params that the model doesn't take are left out."""
        body: dict[str, Any] = {
            "model": self.limits.id,
            "messages": [{"role": part.role, "content": part.content} for part in self.parts],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        asked = {name: self.params[name] for name in self.limits.parameters if name in self.params}
        tokens = asked.pop("max_output_tokens", None)
        if tokens is not None:
            own = "max_completion_tokens" if self.limits.reasoning else "max_tokens"
            body[own] = min(tokens, self.limits.max_output_tokens)
        return body | asked


class Upstream:
    """One client with one pool of connections for the process; used inside the event loop only."""

    def __init__(self, base_url: str, api_key: str, *, connect_seconds: float) -> None:
        self.base_url = base_url
        # Times are ours (deadlines in the loop), but for the connection's.
        timeout = httpx2.Timeout(None, connect=connect_seconds)
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",  # servers on this machine ask for none, the SDK does
            max_retries=0,
            timeout=timeout,
            http_client=openai.DefaultAioHttpClient(
                timeout=timeout,
                # 0 is no limit; with None this transport falls back to aiohttp's 100.
                limits=httpx2.Limits(max_connections=0, keepalive_expiry=KEEP_ALIVE_SECONDS),
            ),
        )

    async def stream(self, request: Request) -> AsyncIterator[Event]:
        """The events of one answer, until the server ends it. Raises UpstreamError."""
        try:
            async with self._client.chat.completions.with_streaming_response.create(
                **request.body(), extra_headers={"Accept-Encoding": "identity"}
            ) as response:
                lines = _Lines()
                async for data in response.http_response.aiter_bytes():
                    for line in lines.feed(data):
                        if line == b"[DONE]":
                            return
                        for event in events_of(line):
                            yield event
        except openai.APIStatusError as error:
            raise _of_status(error, request.limits.id) from error
        except (openai.APIError, httpx2.HTTPError) as error:
            code = "upstream_timeout" if _is_timeout(error) else "upstream_unavailable"
            raise UpstreamError(code, retryable=True) from error

    async def list_models(self) -> dict[str, dict[str, Any]]:
        """Model id → the limits that the listing tells of it. Raises UpstreamError."""
        try:
            page = await self._client.models.list(timeout=LISTING_TIMEOUT_SECONDS)
        except (openai.APIError, httpx2.HTTPError, ValueError) as error:
            raise UpstreamError("upstream_unavailable", retryable=True) from error
        return {model.id: _told_limits(model.model_extra or {}) for model in page.data or []}

    async def close(self) -> None:
        await self._client.close()


class _Lines:
    """Splits a stream of bytes into the data of its server-sent events, one JSON a line."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._rest:
            data = self._rest + data
        *lines, self._rest = data.split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            raise UpstreamError("upstream_malformed", retryable=True)
        for line in lines:
            if line.startswith(b"data:"):
                content = line[5:].strip()
                if content:
                    yield content


def events_of(line: bytes) -> Iterator[Event]:
    """The events of one chunk (`chat.completion.chunk` of OpenAI's API reference).

    Raises UpstreamError for what is none, or for an error that the server reports in mid-stream.
    """
    chunk = _parsed(line)
    if not isinstance(chunk, dict):
        raise UpstreamError("upstream_malformed", retryable=True)
    if chunk.get("error"):
        raise UpstreamError("upstream_unavailable", retryable=True)
    for choice in chunk.get("choices") or []:
        if not isinstance(choice, dict):
            raise UpstreamError("upstream_malformed", retryable=True)
        delta = choice.get("delta") or {}
        text = delta.get("content") if isinstance(delta, dict) else None
        if isinstance(text, str) and text:
            yield Text(text)
        elif isinstance(delta, dict) and (delta.get("reasoning_content") or delta.get("reasoning")):
            yield Thinking()
        if choice.get("finish_reason"):
            yield Finish(str(choice["finish_reason"]))
        break  # one answer was asked for
    usage = chunk.get("usage")
    if isinstance(usage, dict):
        yield Counted(_usage(usage))


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        pass
    try:  # it takes lone surrogates, which orjson refuses and half a pair of deltas holds
        return json.loads(line)
    except (ValueError, RecursionError):
        raise UpstreamError("upstream_malformed", retryable=True) from None


def _usage(told: dict[str, Any]) -> Usage:
    def number(place: Any, name: str) -> int:
        value = place.get(name) if isinstance(place, dict) else None
        return value if isinstance(value, int) and value >= 0 else 0

    return Usage(
        input_tokens=number(told, "prompt_tokens"),
        output_tokens=number(told, "completion_tokens"),
        cached_tokens=number(told.get("prompt_tokens_details"), "cached_tokens"),
        reasoning_tokens=number(told.get("completion_tokens_details"), "reasoning_tokens"),
    )


def _told_limits(extra: dict[str, Any]) -> dict[str, Any]:
    """Context windows as vLLM, llama.cpp, LM Studio and OpenRouter tell them."""
    meta = extra.get("meta")
    told = [
        extra.get("max_model_len"),
        extra.get("context_length"),
        extra.get("max_context_length"),
        meta.get("n_ctx") if isinstance(meta, dict) else None,
    ]
    windows = [value for value in told if isinstance(value, int) and value >= 1024]
    return {"context_window": windows[0]} if windows else {}


def _of_status(error: openai.APIStatusError, model: str) -> UpstreamError:
    """The error for an answer that isn't a 200 (OpenAI's guide "Error codes")."""
    status = error.status_code
    code, message = str(error.code or error.type or ""), str(error.message)
    wait = _retry_after(error.response.headers)
    if status == 401:
        return UpstreamError("invalid_api_key", retryable=False)
    if status == 403:
        return UpstreamError("permission_denied", retryable=False, model=model)
    if status == 404:
        return UpstreamError("model_not_found", retryable=False, model=model)
    if status == 429:
        if "insufficient_quota" in (code, str(error.type)):
            return UpstreamError("quota_exceeded", retryable=False)
        return UpstreamError("rate_limited", retryable=True, retry_after=wait)
    if status in (408, 409) or status >= 500:
        return UpstreamError("upstream_unavailable", retryable=True, retry_after=wait)
    if code == "context_length_exceeded" or _TOO_LONG.search(message):
        return UpstreamError("context_length_exceeded", retryable=False)
    if code == "content_filter":
        return UpstreamError("content_filter", retryable=False)
    return UpstreamError("upstream_rejected", retryable=False, status=status)


def _is_timeout(error: BaseException | None) -> bool:
    """Whether a timeout is at the root: the transport calls every lost connection one."""
    while error is not None:
        if isinstance(error, TimeoutError):
            return True
        error = error.__cause__
    return False


def _retry_after(headers: Any) -> float | None:
    """Seconds that the server asks to wait (RFC 9110, 10.2.3: seconds or a date)."""
    milliseconds = headers.get("retry-after-ms", "")
    if milliseconds.isdigit():
        return int(milliseconds) / 1000
    value = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
