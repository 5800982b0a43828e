"""The product reads a model's bytes itself. The SDK's own reading of the same answers is the same,
but for what is named here: there the product takes what the SDK drops, or refuses what it takes.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, replace

import pytest
from aiohttp.client_proto import ResponseHandler

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


# So many streams rest a tenth of a second between two reads.
CROWD = 300


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


def heard(server: Upstream, answer: Answer, reading: Reading, *, others: int = 0) -> Heard:
    """One answer, read over real HTTP while so many others are."""

    async def read() -> Heard:
        texts, finish, usage, error = [], None, None, None
        client = Client(server.url, "k", connect_seconds=2)
        try:
            with ExitStack() as crowd:
                for _ in range(others):
                    crowd.enter_context(client._counted())
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
            # a date, two seconds ahead, is read at two moments
            error = (refused.code, refused.retryable, wait and math.ceil(wait / 3))
        await client.close()
        return Heard("".join(texts), finish, usage, error)

    server.default = answer
    return asyncio.run(read())


@pytest.mark.parametrize("name", sorted(ANSWERS.keys() - SDK_HEARS.keys() - SDK_BREAKS.keys()))
def test_both_readings_hear_the_same(server: Upstream, name: str) -> None:
    ours = heard(server, ANSWERS[name], Client.stream)

    theirs = heard(server, ANSWERS[name], sdk_events)

    assert theirs == ours


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_in_a_crowd_the_same_is_heard(server: Upstream, name: str) -> None:
    alone = heard(server, ANSWERS[name], Client.stream)

    assert heard(server, ANSWERS[name], Client.stream, others=CROWD) == alone


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


@pytest.mark.parametrize(("others", "least", "most"), [(0, 50, 200), (CROWD, 5, 20)])
def test_words_that_come_while_a_stream_rests_are_one_read(
    server: Upstream, monkeypatch: pytest.MonkeyPatch, others: int, least: int, most: int
) -> None:
    reads: list[bytes] = []
    receive = ResponseHandler.data_received

    def count(handler: ResponseHandler, data: bytes) -> None:
        if data:  # aiohttp looks for more with nothing in its hands
            reads.append(data)
        receive(handler, data)

    monkeypatch.setattr(ResponseHandler, "data_received", count)

    spoken = heard(server, reply("una " * 100, chunk=4, every=0.01), Client.stream, others=others)

    assert spoken.text == "una " * 100
    # a second's worth of text: each word by itself, or all of a tenth of it together
    assert least <= len(reads) < most


def test_a_stream_that_is_left_while_it_rests_leaves_its_connection_to_others() -> None:
    """Its server says no last word, so that its end is seen before that of the rest."""

    async def read(client: Client, heard: asyncio.Event) -> str:
        async with aclosing(client.stream(QUESTION)) as events:
            text = ""
            async for event in events:
                text += event.text if isinstance(event, Delta) else ""
                heard.set()
            return text

    async def leave_and_ask_again(url: str) -> str:
        client = Client(url, "k", connect_seconds=2)
        try:
            with ExitStack() as crowd:
                for _ in range(CROWD):
                    crowd.enter_context(client._counted())
                heard = asyncio.Event()
                left = asyncio.create_task(read(client, heard))
                await heard.wait()
                await asyncio.sleep(0.02)
                left.cancel()
                async with asyncio.timeout(5):
                    return await read(client, asyncio.Event())
        finally:
            await client.close()

    with Upstream() as server:
        server.default = Script(steps=(Text(SAID), End()))
        assert asyncio.run(leave_and_ask_again(server.url)) == SAID
