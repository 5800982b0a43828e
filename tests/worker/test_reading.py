"""The product reads a model's bytes itself. The SDK's own reading of the same answers is the same,
but for what is named here: there the product takes what the SDK drops, or refuses what it takes.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace

import pytest

from bench.sdk_reading import sdk_events
from common.jobs import Usage
from tests.upstream import Answer, End, Script, Text, Upstream, reply
from tests.upstream_faults import ALL, SAID, SILENT
from tests.worker.test_upstream_client import QUESTION
from worker.chunks import Counted, Event, Finish
from worker.chunks import Text as Delta
from worker.upstream import Request, UpstreamError
from worker.upstream import Upstream as Client

Reading = Callable[[Client, Request], AsyncGenerator[Event, None]]
# Neither ends what is silent: that is for worker/speech.py's deadlines.
FAULTS = [fault for fault in ALL if fault not in SILENT]
ANSWERS = {
    "a whole reply": reply(SAID * 50, chunk=3),
    "usage that nobody counted": reply(SAID, usage=None),
    "tokens that were cached": Script(
        steps=(
            Text(SAID),
            End(
                usage={
                    "prompt_tokens": 9,
                    "completion_tokens": 3,
                    "total_tokens": 12,
                    "prompt_tokens_details": {"cached_tokens": 8},
                    "completion_tokens_details": {"reasoning_tokens": 2},
                }
            ),
        )
    ),
} | {
    fault.name if number == 0 else f"{fault.name} ({number})": answer
    for fault in FAULTS
    for number, answer in enumerate(fault.answers)
}


@dataclass(frozen=True)
class Heard:
    """What a reading made of an answer; `error` is its code, whether it is retryable, the wait."""

    text: str
    finish: str | None
    usage: Usage | None
    error: tuple[str, bool, float | None] | None


# What the SDK hears where it hears something else.
SDK_HEARS: dict[str, Callable[[Heard], Heard]] = {
    # the mark is taken for the first letter of a field's name, and the line with it is dropped
    "a byte order mark": lambda ours: replace(ours, text=""),
    "NUL in the finish_reason": lambda ours: replace(ours, finish="st\0op"),
    # as if the connection had been lost
    "packed bytes that can't be unpacked": lambda ours: replace(
        ours, error=("upstream_unavailable", True, None)
    ),
}
# What breaks the SDK's reading with an error that is none of its own.
SDK_BREAKS = {"a chunk of no shape": TypeError, "half a character": UnicodeDecodeError}


@pytest.fixture(scope="module")
def server() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


def heard(server: Upstream, answer: Answer, reading: Reading) -> Heard:
    """One answer, read over real HTTP."""

    async def read() -> Heard:
        texts, finish, usage, error = [], None, None, None
        client = Client(server.url, "k", connect_seconds=2)
        try:
            async with asyncio.timeout(20), aclosing(reading(client, QUESTION)) as events:
                async for event in events:
                    match event:
                        case Delta(text):
                            texts.append(text)
                        case Finish(reason):
                            finish = reason
                        case Counted(counted):
                            usage = counted
        except UpstreamError as refused:
            wait = refused.retry_after
            # a date is read at two moments
            error = (refused.code, refused.retryable, wait and float(round(wait / 3)))
        await client.close()
        return Heard("".join(texts), finish, usage, error)

    server.default = answer
    return asyncio.run(read())


@pytest.mark.parametrize("name", sorted(ANSWERS.keys() - SDK_HEARS.keys() - SDK_BREAKS.keys()))
def test_both_readings_hear_the_same(server: Upstream, name: str) -> None:
    ours = heard(server, ANSWERS[name], Client.stream)

    theirs = heard(server, ANSWERS[name], sdk_events)

    assert theirs == ours


@pytest.mark.parametrize("name", SDK_HEARS)
def test_the_sdk_hears_something_else(server: Upstream, name: str) -> None:
    ours = heard(server, ANSWERS[name], Client.stream)

    theirs = heard(server, ANSWERS[name], sdk_events)

    assert theirs == SDK_HEARS[name](ours) != ours


@pytest.mark.parametrize("name", SDK_BREAKS)
def test_the_sdk_breaks_where_the_product_has_an_answer(server: Upstream, name: str) -> None:
    ours = heard(server, ANSWERS[name], Client.stream)

    with pytest.raises(SDK_BREAKS[name]):
        heard(server, ANSWERS[name], sdk_events)

    assert ours.text or ours.error


@pytest.mark.parametrize("reading", [Client.stream, sdk_events])
def test_a_stream_that_just_ends_is_no_error_of_either_reading(
    server: Upstream, reading: Reading
) -> None:
    broken_off = heard(server, ANSWERS["a stream that just ends"], reading)

    # by this alone worker/speech.py knows that it is one
    assert broken_off.finish is None
    assert broken_off.error is None
    assert broken_off.text != ""


def test_a_crowd_is_read_to_its_end_and_loses_no_word() -> None:
    async def hear(client: Client) -> str:
        async with aclosing(client.stream(QUESTION)) as events:
            return "".join([event.text async for event in events if isinstance(event, Delta)])

    async def hear_all(url: str) -> list[str]:
        client = Client(url, "k", connect_seconds=2)
        try:
            return await asyncio.gather(*(hear(client) for _ in range(120)))
        finally:
            await client.close()

    with Upstream() as server:
        server.default = reply(SAID * 50, chunk=9, every=0.002)
        assert asyncio.run(hear_all(server.url)) == [SAID * 50] * 120
