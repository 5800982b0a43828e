"""What the scripted upstream can be told to say: steps, scripts, and their bytes.

Import all of it from `tests.upstream`, whose docstring is the manual.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

USAGE: Mapping[str, Any] = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Text:
    """One delta of reply text. "" is an empty delta; lone surrogates go out as JSON escapes."""

    text: str


@dataclass(frozen=True)
class Reasoning:
    """One delta of reasoning (`reasoning_content`)."""

    text: str


@dataclass(frozen=True)
class Raw:
    """Exactly these bytes."""

    data: bytes


@dataclass(frozen=True)
class Comment:
    """An SSE comment, as servers send to keep a connection open."""

    text: str = "keep-alive"


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Gate:
    """Waits until the test calls `upstream.open(name)`."""

    name: str


@dataclass(frozen=True)
class Cut:
    """Aborts the TCP connection."""


@dataclass(frozen=True)
class Silence:
    """Says nothing more until the client closes."""


@dataclass(frozen=True)
class End:
    """The chunk with the finish_reason, then usage if it was asked for and isn't None."""

    finish_reason: str = "stop"
    usage: Mapping[str, Any] | None = field(default_factory=lambda: USAGE)


@dataclass(frozen=True)
class Done:
    """data: [DONE]"""


Step = Text | Reasoning | Raw | Comment | Pause | Gate | Cut | Silence | End | Done


@dataclass(frozen=True)
class Script:
    """What one request gets: `json` or `body` for a plain answer, else `steps` as a stream.

    `early_headers=False` holds the status line back until the first byte of the body is due.
    """

    steps: tuple[Step, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    body: bytes | None = None
    early_headers: bool = True


Answer = Script | Callable[[dict[str, Any]], Script]


def reply(
    text: str,
    chunk: int = 4,
    every: float = 0.0,
    first: float = 0.0,
    finish_reason: str = "stop",
    usage: Mapping[str, Any] | None = USAGE,
) -> Script:
    """`text` in pieces of `chunk` characters, the first after `first` seconds, then one `every`."""
    pieces = [text[i : i + chunk] for i in range(0, len(text), chunk)]
    return stream(pieces, every, first, End(finish_reason, usage))


def stream(pieces: Iterable[str], every: float, first: float, *last: Step) -> Script:
    steps: list[Step] = [Pause(first)] if first else []
    for index, piece in enumerate(pieces):
        if index and every:
            steps.append(Pause(every))
        steps.append(Text(piece))
    if last and isinstance(last[-1], End):
        last = (*last, Done())
    return Script(steps=(*steps, *last))


def echo(body: dict[str, Any]) -> Script:
    """The default: "echo: " and the last user message."""
    return reply("echo: " + last_user_text(body))


def failing(
    status: int, code: str | None = None, retry_after: float | str | None = None, message: str = ""
) -> Script:
    """A plain error in OpenAI's shape. A `retry_after` that is a string goes out as it is."""
    error = {
        "message": message or f"scripted {status}",
        "type": "invalid_request_error" if status < 500 else "server_error",
        "param": None,
        "code": code,
    }
    headers = {}
    if retry_after is not None:
        told = retry_after if isinstance(retry_after, str) else f"{retry_after:g}"
        headers = {"retry-after": told}
    return Script(status=status, headers=headers, json={"error": error})


def http_date(seconds: float) -> str:
    """The time in so many seconds, cut to a whole one, as HTTP writes dates (RFC 9110, 5.6.7)."""
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


def instructed(text: str) -> Script | None:
    """The script that the instructions in a user's text ask for, None where there are none."""
    found = re.search(r"\[\[((?:[a-z_]+=[^\s\]]+ ?)+)\]\]", text)
    if found is None:
        return None
    words = dict(word.split("=", 1) for word in found[1].split())
    if "fail" in words:
        wait = float(words["retry_after"]) if "retry_after" in words else None
        return failing(int(words["fail"]), words.get("code"), wait)
    count = int(words.get("chunks", 10))
    last: Step = End(words.get("finish", "stop"), None if words.get("usage") == "0" else USAGE)
    if "cut" in words:
        count, last = int(words["cut"]), Cut()
    elif "silence" in words:
        count, last = int(words["silence"]), Silence()
    every, first = float(words.get("every", 0)), float(words.get("first", 0))
    return stream([f"w{i} " for i in range(count)], every, first, last)


def last_user_text(body: dict[str, Any]) -> str:
    for message in reversed(body.get("messages", [])):
        if message.get("role") == "user":
            content = message.get("content", "")
            return content if isinstance(content, str) else json.dumps(content)
    return ""


def sse(payload: Any) -> bytes:
    """One event of the stream, as bytes: for `Raw`."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    try:
        return b"data: " + text.encode() + b"\n\n"
    except UnicodeEncodeError:
        return b"data: " + json.dumps(payload, separators=(",", ":")).encode() + b"\n\n"


class Chunks:
    """Turns steps into the bytes of one stream of chat.completion.chunk events."""

    def __init__(self, reply_id: str, body: dict[str, Any]) -> None:
        self._frame = {
            "id": reply_id,
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": body.get("model"),
        }
        self._with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        self._begun = False

    def of(self, step: Step) -> bytes:
        """b"" for the steps that send nothing."""
        match step:
            case Raw(data):
                return data
            case Comment(text):
                return f": {text}\n\n".encode()
            case Done():
                return DONE
            case Text(text):
                return self._opening() + self._delta({"content": text})
            case Reasoning(text):
                return self._opening() + self._delta({"reasoning_content": text})
            case End(finish_reason, usage):
                data = self._opening() + self._delta({}, finish_reason)
                if self._with_usage and usage is not None:
                    data += sse({**self._frame, "choices": [], "usage": dict(usage)})
                return data
        return b""

    def _opening(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return self._delta({"role": "assistant", "content": ""})

    def _delta(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        payload: dict[str, Any] = {**self._frame, "choices": [choice]}
        if self._with_usage:
            payload["usage"] = None
        return sse(payload)
