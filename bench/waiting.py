"""`?wait=`: what a client that waits gains over one that polls, and what its waiting costs.

    python -m bench.waiting [--rounds 5]

The gain is in lag behind the upstream, of polls and of `POST /api/ask`. The cost is in threads: a
waiter holds one, so the server lets only a few wait and answers the rest at once, and meanwhile
somebody else lists conversations.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvloop

from bench.client import Client
from bench.figures import Figure, figures_table, percentile
from bench.listing import Lister
from bench.processes import cpu_seconds
from bench.rounds import records_of, warm
from bench.stack import Stack
from bench.upstream import USUAL, Pace

WAIT = "wait=20"
# fewer than may wait, so that all of them do
AT_ONCE, ROUNDS = 4, 5
WAITERS = (0, 4, 50, 300)
HANG_SECONDS = 8.0
# all have asked by then, and their replies have been begun
POSTED_SECONDS = 6.0
# nothing is said until it has been measured
SILENT = Pace(tokens=1, every_ms=0, first_ms=18_000)
# a poll's answer
Job = dict[str, Any]
ENDED = ("completed", "incomplete", "failed", "cancelled")


@dataclass
class Lags:
    """How far readers were behind the upstream, in seconds, and how often they asked."""

    first: list[float] = field(default_factory=list)
    end: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Read:
    """One reply as its reader saw it; times are time.time(), `first` 0.0 if only the end counts."""

    marker: str
    first: float
    end: float
    requests: int


@dataclass(frozen=True)
class Hung:
    """Somebody else's listings while so many waited, in seconds, and the web's CPU a second."""

    waiters: int
    listings: list[float]
    refused: int
    web_cpu: float


# reads one reply, with this query where the client may wait
Reader = Callable[[Client, str], Awaitable[Read]]


def measure(stack: Stack, rounds: int = ROUNDS) -> list[Figure]:
    """Gain and cost; no limit is set for either."""
    warm(stack)
    found: list[Figure] = []
    for what, by in (("polls", _by_polls), ("POST /api/ask", _by_ask)):
        short, waiting = (_lags(stack, by, query, rounds) for query in ("", WAIT))
        found += _gain(what, short, waiting)
    hung = [_hang(stack, waiters, WAIT) for waiters in WAITERS]
    found += _cost(hung, _hang(stack, AT_ONCE, ""))
    return found


def _gain(what: str, short: Lags, waiting: Lags) -> list[Figure]:
    found = []
    for way, lags in (("short polls", short), (f"?{WAIT}", waiting)):
        name = f"{what}, {way}: "
        if lags.first:
            found.append(_ms(f"{name}first text over the upstream's, median", lags.first, 50))
        found += [
            _ms(f"{name}whole reply over the upstream's, median", lags.end, 50),
            _ms(f"{name}whole reply over the upstream's, p95", lags.end, 95),
            Figure(f"{name}requests a reply", sum(lags.requests) / len(lags.requests), ""),
        ]
    return found


def _cost(hung: Sequence[Hung], polling: Hung) -> list[Figure]:
    found = []
    for one in hung:
        name = f"{one.waiters} waiting: "
        found += [
            _ms(f"{name}somebody else's list, median", one.listings, 50),
            _ms(f"{name}somebody else's list, p95", one.listings, 95),
            Figure(f"{name}lists refused", one.refused, "", 0),
        ]
    idle, some = hung[0], hung[1]
    for what, one in (("a waiter", some), ("a client that polls", polling)):
        cpu = (one.web_cpu - idle.web_cpu) / one.waiters * 1000
        found.append(Figure(f"the web's CPU for {what} of a silent reply", cpu, "ms a second"))
    return found


def _ms(name: str, seconds: Sequence[float], percent: float) -> Figure:
    return Figure(name, percentile(seconds, percent) * 1000, "ms")


def _lags(stack: Stack, by: Reader, query: str, rounds: int) -> Lags:
    lags = Lags()
    for _ in range(rounds):
        reads = uvloop.run(_all(stack.url, by, query))
        records = records_of(stack)
        for read in reads:
            _, first, last = records[read.marker][-1]
            if read.first:
                lags.first.append(read.first - first)
            lags.end.append(read.end - last)
            lags.requests.append(read.requests)
    return lags


async def _all(url: str, by: Reader, query: str) -> list[Read]:
    return await asyncio.gather(*(by(Client(url), query) for _ in range(AT_ONCE)))


async def _by_polls(client: Client, query: str) -> Read:
    marker, job = await _ask(client, USUAL)
    first, end, requests = await _follow(client, job, query)
    return Read(marker, first, end, requests)


async def _by_ask(client: Client, query: str) -> Read:
    """The end is what counts: who asks like this shows no growing text."""
    marker, job = await _ask(client, USUAL, query)
    end, requests = time.time(), 0
    if job["status"] not in ENDED:
        _, end, requests = await _follow(client, job, "")
    return Read(marker, 0.0, end, requests + 1)


async def _ask(client: Client, pace: Pace, query: str = "") -> tuple[str, Job]:
    marker = pace.marker(uuid.uuid4().hex)
    body = {"content": f"Tell me a hundred words. {marker}"}
    answer = await client.post(f"/api/ask?{query}", body, Idempotency_Key=marker)
    if answer.status not in (200, 202):
        raise RuntimeError(f"refused: {answer.status} {answer.body!r}")
    return marker, answer.json()


async def _follow(client: Client, job: Job, query: str) -> tuple[float, float, int]:
    """When the first text and the end were read, and how often was asked for them."""
    first, requests, path = 0.0, 0, f"/api/jobs/{job['id']}"
    is_news = bool(query)  # who waits asks at once; who polls keeps the server's pace
    while job["status"] not in ENDED:
        if not (query and is_news):
            await asyncio.sleep(job["poll_after_ms"] / 1000)
        before = job
        answer = await client.get(f"{path}?cursor={job['cursor']}&{query}")
        job, requests = answer.json(), requests + 1
        is_news = job["cursor"] != before["cursor"] or job["status"] != before["status"]
        if job["text"] and not first:
            first = time.time()
    return first, time.time(), requests


def _hang(stack: Stack, waiters: int, query: str) -> Hung:
    """So many clients follow a reply each, all silent; those who may not wait poll."""
    lister = Lister(stack)
    web = stack.pids["web"]
    cpu: list[float] = []

    async def follow() -> None:
        client = Client(stack.url)
        _, job = await _ask(client, SILENT)
        await _follow(client, job, query)
        client.close()

    async def hang() -> None:
        following = [asyncio.ensure_future(follow()) for _ in range(waiters)]
        await asyncio.sleep(POSTED_SECONDS)
        listing = asyncio.ensure_future(lister.run())
        before = cpu_seconds(web)
        await asyncio.sleep(HANG_SECONDS)
        cpu.append((cpu_seconds(web) - before) / HANG_SECONDS)
        listing.cancel()
        await asyncio.gather(listing, return_exceptions=True)
        await asyncio.gather(*following)

    uvloop.run(hang())
    return Hung(waiters, lister.seconds, lister.refused, cpu[0])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.waiting")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each way to read")
    options = parser.parse_args(arguments)
    with Stack() as stack:
        print(figures_table(measure(stack, options.rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
