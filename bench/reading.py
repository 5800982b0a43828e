"""The read path of a worker's event loop: what each way to read many streams at once costs.

    python -m bench.reading [--streams 1000]

Five readings of the same streams from `bench.upstream`, one after the other, each in a process of
its own, on uvloop, all begun within a second as in `bench/run`: bare aiohttp, which nothing built
on it can beat; the bytes as the SDK's client hands them on; `worker/upstream.py`'s events;
`worker/speech.py`, which is all that the event loop does; the SDK's own stream objects.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from multiprocessing import get_context

import aiohttp
import uvloop

from bench.figures import Figure, figures_table, table
from bench.sdk_reading import sdk_events
from bench.upstream import MODEL, REPLY_SECONDS, TOKENS
from common.catalogue import Limits
from common.config import TestingConfig
from worker.chunks import Lines, Text, events_of
from worker.context_window import Part
from worker.reply_writer import ReplyLog
from worker.speech import Speech, speak
from worker.upstream import AS_IT_IS, Request, Upstream

STREAMS = 1000
# so many are warmed up with: imports, caches, and nothing of it is measured
WARM = 5
SPREAD_SECONDS = 1.0
EXPECTED = "".join(TOKENS)
# of the whole worker, of which the event loop's reading is one part
MOST_CPU = 0.06

QUESTION = Request(
    Limits(id=MODEL, label="bench"),
    [
        Part(uuid.uuid4(), "system", "You are an assistant for programmers."),
        Part(uuid.uuid4(), "user", "Tell me a hundred words."),
    ],
    {},
)

# reads one answer and returns it, as text or as the body's bytes
Read = Callable[[], Awaitable[str | bytes]]


@dataclass(frozen=True)
class Measured:
    """One reading: seconds, CPU seconds, bytes of memory that a stream took, answers not exact."""

    streams: int
    makespan: float
    cpu: float
    memory: float
    wrong: int

    @property
    def cpu_of_1000_tokens(self) -> float:
        return self.cpu / (self.streams * len(TOKENS)) * 1000

    @property
    def ideal(self) -> float:
        """Seconds from the first request to the last token, if reading took none."""
        return REPLY_SECONDS + SPREAD_SECONDS


def measure(streams: int = STREAMS) -> list[Figure]:
    """The figures, from one run of all readings."""
    return figures(run(streams))


def run(streams: int) -> dict[str, Measured]:
    """Each reading, by name, in the order of the table."""
    upstream = subprocess.Popen(
        [sys.executable, "-m", "bench.upstream"], stdout=subprocess.PIPE, text=True
    )
    assert upstream.stdout is not None
    try:
        url = upstream.stdout.readline().strip() + "/v1"
        return {name: _in_a_process_of_its_own(name, url, streams) for name in READINGS}
    finally:
        upstream.terminate()
        upstream.wait(10)


def figures(measured: dict[str, Measured]) -> list[Figure]:
    """What a run means: the loop's part of a worker's cost, beside the limit and the SDK."""
    bare, events, spoken, sdk = (measured[name] for name in (BARE, EVENTS, SPOKEN, SDK))
    some = f"{bare.streams:,} streams: "
    return [
        Figure(
            some + "CPU per 1,000 tokens, all of the event loop's reading",
            spoken.cpu_of_1000_tokens,
            "s",
            limit=MOST_CPU,
        ),
        Figure(
            some + "CPU per 1,000 tokens, bare aiohttp, the limit", bare.cpu_of_1000_tokens, "s"
        ),
        Figure(some + "events over bare aiohttp, CPU", events.cpu / bare.cpu, "×"),
        Figure(some + "the SDK's objects over events, CPU", sdk.cpu / events.cpu, "×"),
        Figure(some + "makespan of the event loop's reading", spoken.makespan, "s"),
        Figure(some + "its makespan over the ideal", spoken.makespan / spoken.ideal, "×"),
        Figure(some + "memory a stream in the event loop", spoken.memory / 1e3, "KB", limit=80),
        Figure(
            some + "answers that were not exact, of all readings",
            sum(one.wrong for one in measured.values()),
            "",
            limit=0,
        ),
    ]


def readings_table(measured: dict[str, Measured]) -> str:
    """A row a reading."""
    head = ("read by", "makespan, s", "of the ideal", "CPU s per 1,000 tokens", "KB a stream")
    rows = [
        (
            name,
            f"{one.makespan:.2f}",
            f"{one.makespan / one.ideal:.2f}",
            f"{one.cpu_of_1000_tokens:.4f}",
            f"{one.memory / 1e3:.0f}",
        )
        for name, one in measured.items()
    ]
    return table(head, rows)


async def _bare(url: str, run_all: Callable[[Read], Awaitable[None]]) -> None:
    body = QUESTION.body()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def read() -> bytes:
            data = bytearray()
            async with session.post(url + "/chat/completions", json=body) as response:
                async for piece in response.content.iter_any():
                    data += piece
            return bytes(data)

        await run_all(read)


async def _through_the_client(url: str, run_all: Callable[[Read], Awaitable[None]]) -> None:
    upstream = Upstream(url, "bench", connect_seconds=5)

    async def read() -> bytes:
        data = bytearray()
        async with upstream.client.chat.completions.with_streaming_response.create(
            **QUESTION.body(), extra_headers=AS_IT_IS
        ) as response:
            async for piece in response.http_response.aiter_bytes():
                data += piece
        return bytes(data)

    await run_all(read)
    await upstream.close()


async def _as_events(url: str, run_all: Callable[[Read], Awaitable[None]]) -> None:
    upstream = Upstream(url, "bench", connect_seconds=5)

    async def read() -> str:
        async with aclosing(upstream.stream(QUESTION)) as events:
            return "".join([event.text async for event in events if isinstance(event, Text)])

    await run_all(read)
    await upstream.close()


async def _as_speech(url: str, run_all: Callable[[Read], Awaitable[None]]) -> None:
    upstream = Upstream(url, "bench", connect_seconds=5)
    config = TestingConfig(
        FLASK_ENV="testing", DATABASE_URL="postgresql://nowhere/none", REDIS_URL="redis://nowhere"
    )

    async def read() -> str:
        reply_log = ReplyLog(uuid.uuid4(), 1)
        speech = Speech(window_used=0, claimed_at=time.monotonic())
        await speak(upstream, QUESTION, reply_log, speech, config, 60.0)
        return reply_log.text()

    await run_all(read)
    await upstream.close()


async def _by_the_sdk(url: str, run_all: Callable[[Read], Awaitable[None]]) -> None:
    upstream = Upstream(url, "bench", connect_seconds=5)

    async def read() -> str:
        async with aclosing(sdk_events(upstream, QUESTION)) as events:
            return "".join([event.text async for event in events if isinstance(event, Text)])

    await run_all(read)
    await upstream.close()


BARE = "aiohttp alone (the limit)"
CLIENT = "AsyncOpenAI on aiohttp, bytes unread"
EVENTS = "worker/upstream.py: bytes, lines, orjson"
SPOKEN = "worker/speech.py: all of the event loop's part"
SDK = "AsyncOpenAI on aiohttp, the SDK's objects"
READINGS = {
    BARE: _bare,
    CLIENT: _through_the_client,
    EVENTS: _as_events,
    SPOKEN: _as_speech,
    SDK: _by_the_sdk,
}


def _in_a_process_of_its_own(name: str, url: str, streams: int) -> Measured:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        return processes.submit(_measured, name, url, streams).result()


def _measured(name: str, url: str, streams: int) -> Measured:
    return uvloop.run(_run_one(name, url, streams))


async def _run_one(name: str, url: str, streams: int) -> Measured:
    found: list[Measured] = []

    async def run_all(read: Read) -> None:
        await asyncio.gather(*(read() for _ in range(WARM)))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # what was imported is no part of any stream, and looking through it again and again isn't
        gc.collect()
        gc.freeze()
        cpu, begun = time.process_time(), time.monotonic()
        gap = SPREAD_SECONDS / max(1, streams - 1)
        answers = await asyncio.gather(*(_later(read, index * gap) for index in range(streams)))
        found.append(
            Measured(
                streams=streams,
                makespan=time.monotonic() - begun,
                cpu=time.process_time() - cpu,
                memory=(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory)
                * 1024
                / streams,
                wrong=sum(_text(answer) != EXPECTED for answer in answers),
            )
        )

    await READINGS[name](url, run_all)
    return found[0]


async def _later(read: Read, seconds: float) -> str | bytes:
    await asyncio.sleep(seconds)
    return await read()


def _text(answer: str | bytes) -> str:
    """Parsed only after the clock has stopped."""
    if isinstance(answer, str):
        return answer
    lines = list(Lines().feed(answer))
    events = [event for line in lines for event in events_of(line)]
    return "".join(event.text for event in events if isinstance(event, Text))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.reading")
    parser.add_argument("--streams", type=int, default=STREAMS, help="at once")
    options = parser.parse_args(arguments)
    measured = run(options.streams)
    print(readings_table(measured), figures_table(figures(measured)), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
