"""The model server: the only import of `openai`. A stream of events, or one UpstreamError.

The SDK says where a call goes and with which headers, once; each call is sent by its HTTP client,
and the answer's bytes are split and parsed by `chunks`: the SDK's stream objects cost four times as
much a token, and its way to a request half a millisecond.
"""

import email.utils
import json
import math
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from typing import Any

import aiohttp
import httpx2
import openai
import orjson

from common.catalogue import Limits
from worker.body import Body
from worker.cadence import rest_seconds
from worker.chunks import Event, Lines, NoChunk, Reported, events_of, joined
from worker.context_window import Part

# All that is needed of an error's body is in its first bytes.
MAX_ERROR_BYTES = 64 * 1024
MAX_LISTING_BYTES = 4 * 1024 * 1024
LISTING_TIMEOUT_SECONDS = 2.0
KEEP_ALIVE_SECONDS = 30.0
# A piece of that size is followed by others at once: who says so much is read without a rest.
LARGE_PIECE = 4096
# Headers of a call: packing would hold tokens back, and cost the unpacking.
AS_IT_IS = {"Accept-Encoding": "identity"}

_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|maximum.{0,20}tokens|too many tokens|prompt is too long",
    re.IGNORECASE,
)
_STATUS_OF_NAME = {"rate_limit_exceeded": 429, "insufficient_quota": 429} | dict.fromkeys(
    ("invalid_request_error", "context_length_exceeded", "content_filter"), 400
)


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
        self._http = openai.DefaultAioHttpClient(
            timeout=timeout,
            # 0 is no limit; with None this transport falls back to aiohttp's 100.
            limits=httpx2.Limits(max_connections=0, keepalive_expiry=KEEP_ALIVE_SECONDS),
            event_hooks={"response": [_keep_the_beginning]},
        )
        self.client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",  # servers on this machine ask for none, the SDK does
            max_retries=0,
            timeout=timeout,
            http_client=self._http,
        )
        self._streams = 0

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """The events of one answer, until the server ends it. Raises UpstreamError."""
        with self._counted(), translated(request.limits.id):
            async with aclosing(Body(await self._send(request))) as body:
                lines = Lines()
                async for piece in body.pieces:
                    told = (event for line in lines.feed(piece) for event in events_of(line))
                    for event in joined(told):
                        yield event
                    if lines.are_over:
                        await body.read_out()
                        return
                    if len(piece) < LARGE_PIECE and (rest := rest_seconds(self._streams)):
                        await body.rest(rest)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    async def _send(self, request: Request) -> httpx2.Response:
        """The answer's head. Raises openai.APIStatusError for one that refuses."""
        call = httpx2.Request(
            "POST",
            self._url,
            headers=self._headers,
            cookies=self._http.cookies,
            content=orjson.dumps(request.body()),
            extensions={"timeout": self._http.timeout.as_dict()},
        )
        response = await self._http.send(call, stream=True)
        if not response.is_success:
            await response.aread()
            raise _refusal(response)
        return response

    @cached_property
    def _url(self) -> httpx2.URL:
        return httpx2.URL(f"{self.client.base_url}chat/completions")

    @cached_property
    def _headers(self) -> httpx2.Headers:
        """Those that the SDK gives every call. Made by the first one, whose error it is when no
        header can carry the key."""
        told = self.client.default_headers | self.client.auth_headers | AS_IT_IS
        headers = httpx2.Headers(self._http.headers)
        headers.update({name: value for name, value in told.items() if isinstance(value, str)})
        return headers

    async def list_models(self) -> dict[str, dict[str, Any]]:
        """Model id → the limits that the listing tells of it. Raises UpstreamError."""
        try:
            async with self.client.models.with_streaming_response.list(
                timeout=LISTING_TIMEOUT_SECONDS
            ) as response:
                listing = response.http_response.aiter_bytes()
                models = orjson.loads(await _beginning(listing, MAX_LISTING_BYTES))["data"]
            return {model["id"]: _told_limits(model) for model in models if "\0" not in model["id"]}
        except (openai.APIError, httpx2.HTTPError, aiohttp.ClientError) as error:
            raise UpstreamError("upstream_unavailable", retryable=True) from error
        except (ValueError, KeyError, TypeError) as error:  # it is no listing
            raise UpstreamError("upstream_malformed", retryable=True) from error

    async def close(self) -> None:
        await self.client.close()


def _refusal(response: httpx2.Response) -> openai.APIStatusError:
    """The SDK's error for an answer that was read."""
    try:
        body = json.loads(response.text)
    except (ValueError, RecursionError):  # a page for people, or nothing
        body = None
    told = body.get("error", body) if isinstance(body, dict) else None
    message = told.get("message") if isinstance(told, dict) else None
    return openai.APIStatusError(str(message), response=response, body=told)


@contextmanager
def translated(model: str) -> Iterator[None]:
    """Whatever goes wrong while this model is asked becomes an UpstreamError."""
    try:
        yield
    except openai.APIStatusError as error:
        told = {"code": error.code, "type": error.type, "message": error.message}
        wait = _retry_after(error.response.headers)
        raise _error(error.status_code, told, model, wait) from error
    except Reported as error:
        raise _of_report(error.told, model) from error
    except (NoChunk, httpx2.DecodingError, aiohttp.ClientError) as error:
        # the transport's own error, not turned into the SDK's: what came is no HTTP
        raise UpstreamError("upstream_malformed", retryable=True) from error
    except (openai.APIError, httpx2.HTTPError) as error:
        code = "upstream_timeout" if _is_timeout(error) else "upstream_unavailable"
        raise UpstreamError(code, retryable=True) from error
    except UnicodeEncodeError as error:  # a key that no header can carry
        raise UpstreamError("invalid_api_key", retryable=False) from error


async def _keep_the_beginning(response: httpx2.Response) -> None:
    """Leaves only the first bytes of an error's body; the SDK reads what there is into memory."""
    stream = response.stream
    if response.is_success or not isinstance(stream, httpx2.AsyncByteStream):
        return
    beginning = await _beginning(aiter(stream), MAX_ERROR_BYTES)
    await stream.aclose()
    response.stream = httpx2.ByteStream(beginning)
    # packed although we asked for none: a few bytes may hold a thousand times as many
    response.headers.pop("content-encoding", None)


async def _beginning(body: AsyncIterator[bytes], most: int) -> bytes:
    beginning = bytearray()
    async for data in body:
        beginning += data
        if len(beginning) >= most:
            break
    return bytes(beginning[:most])


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


def _of_report(told: Any, model: str) -> UpstreamError:
    """The error for one reported in mid-stream: by a status, or by one of OpenAI's names."""
    report = told if isinstance(told, dict) else {}
    for name in (str(report.get("code")), str(report.get("type"))):
        if name in _STATUS_OF_NAME or re.fullmatch(r"[45]\d\d", name, re.ASCII):
            return _error(_STATUS_OF_NAME.get(name) or int(name), report, model)
    return UpstreamError("upstream_unavailable", retryable=True)


def _error(
    status: int, told: dict[str, Any], model: str, wait: float | None = None
) -> UpstreamError:
    """What a status and its error object mean (OpenAI's guide "Error codes")."""
    names = str(told.get("code")), str(told.get("type"))
    if status == 401:
        return UpstreamError("invalid_api_key", retryable=False)
    if status == 403:
        return UpstreamError("permission_denied", retryable=False, model=model)
    if status == 404:
        return UpstreamError("model_not_found", retryable=False, model=model)
    if status == 429:
        if "insufficient_quota" in names:
            return UpstreamError("quota_exceeded", retryable=False)
        return UpstreamError("rate_limited", retryable=True, retry_after=wait)
    if status in (408, 409) or status >= 500:
        return UpstreamError("upstream_unavailable", retryable=True, retry_after=wait)
    if "context_length_exceeded" in names or _TOO_LONG.search(str(told.get("message"))):
        return UpstreamError("context_length_exceeded", retryable=False)
    if "content_filter" in names:
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
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    seconds = _number(value)
    if seconds is not None:
        return seconds
    try:
        date = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if date.tzinfo is None:  # the oldest form of a date names no zone, and means GMT like all
        date = date.replace(tzinfo=UTC)
    return max(0.0, date.timestamp() - time.time())


def _number(text: str) -> float | None:
    """A number of seconds, none below zero; None for what is no finite number."""
    try:
        number = float(text)
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None
