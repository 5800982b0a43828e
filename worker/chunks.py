"""The bytes of a model's answer as events: server-sent events, one chunk of JSON each. Pure.

Whoever serves the model may send anything. What is no chunk raises NoChunk; what is saved of a
chunk (text apart, which `text_cleaner` cleans) fits its column.
"""

import codecs
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from common.jobs import Usage
from worker.text_cleaner import TextCleaner

# The longest reply in one piece, each letter written as \u00e9, is a little shorter than this.
MAX_LINE_BYTES = 3_200_000
LAST_WORD = b"[DONE]"
# More tokens than this are no count, and longer words no reason: what is saved must fit.
MAX_TOKENS = 100_000_000
MAX_REASON_LENGTH = 64


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


class NoChunk(Exception):
    """Bytes that are no part of an answer."""


class Reported(Exception):
    """An error that the server reports in mid-stream; `told` is what it says of it."""

    def __init__(self, told: Any) -> None:
        super().__init__("reported in mid-stream")
        self.told = told


class Lines:
    """Splits a stream of bytes into the data of its server-sent events, one JSON a line; after the
    last word `are_over`, whatever still comes."""

    def __init__(self) -> None:
        self.are_over = False
        self._rest = bytearray()  # grows in place: a line may come in thousands of pieces
        self._mark = codecs.BOM_UTF8  # allowed once, at the very beginning

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The data of each event that `data` completes. Raises NoChunk."""
        *ends, rest = data.split(b"\n")
        for end in ends:
            if self._rest:
                end, self._rest = bytes(self._rest + end), bytearray()
            if self._mark:
                end, self._mark = end.removeprefix(self._mark), b""
            if end.startswith(b"data:"):
                content = end[5:].strip()
                if content == LAST_WORD:
                    self.are_over = True
                    return
                if content:
                    yield content
        if rest:
            self._rest += rest
            if len(self._rest) > MAX_LINE_BYTES:
                raise NoChunk


def joined(events: Iterable[Event]) -> Iterator[Event]:
    """The same, but for texts that follow each other: they are one, for each event costs its way to
    the reply. Raises what `events` does, after the text before it."""
    said: list[str] = []
    try:
        for event in events:
            if isinstance(event, Text):
                said.append(event.text)
                continue
            if said:
                yield Text("".join(said))
                said = []
            yield event
    except (NoChunk, Reported):
        if said:
            yield Text("".join(said))
        raise
    if said:
        yield Text("".join(said))


def events_of(line: bytes) -> Iterator[Event]:
    """The events of one chunk (`chat.completion.chunk` of OpenAI's API reference).

    Raises NoChunk, or Reported for an error in a chunk's place.
    """
    chunk = _parsed(line)
    if not isinstance(chunk, dict):
        raise NoChunk
    if chunk.get("error"):
        raise Reported(chunk["error"])
    choices = chunk.get("choices") or []
    if not isinstance(choices, list):
        raise NoChunk
    for choice in choices:
        if not isinstance(choice, dict):
            raise NoChunk
        if choice.get("index"):
            continue  # one answer was asked for
        delta = choice.get("delta") or {}
        text = delta.get("content") if isinstance(delta, dict) else None
        if isinstance(text, str) and text:
            yield Text(text)
        elif isinstance(delta, dict) and (delta.get("reasoning_content") or delta.get("reasoning")):
            yield Thinking()
        if choice.get("finish_reason"):
            reason = TextCleaner().feed(str(choice["finish_reason"]))
            yield Finish(reason[:MAX_REASON_LENGTH])
        break
    told = chunk.get("usage")
    if told:
        usage = _usage(told)
        if usage is not None:
            yield Counted(usage)


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        pass
    # orjson refuses what is wrong only inside a string: half a pair of surrogates, half a
    # character of UTF-8. json takes it, and no reply is lost for a letter.
    try:
        return json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise NoChunk from None


def _usage(told: Any) -> Usage | None:
    """None: the server told nothing, or what can't be a count."""

    def number(place: Any, name: str) -> int | None:
        value = place.get(name) if isinstance(place, dict) else None
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        return value if 0 <= value <= MAX_TOKENS else None

    sent, said = number(told, "prompt_tokens"), number(told, "completion_tokens")
    if sent is None or said is None:
        return None
    return Usage(
        input_tokens=sent,
        output_tokens=said,
        cached_tokens=number(told.get("prompt_tokens_details"), "cached_tokens") or 0,
        reasoning_tokens=number(told.get("completion_tokens_details"), "reasoning_tokens") or 0,
    )
