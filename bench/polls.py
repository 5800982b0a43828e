"""What polls cost, and how quickly they are answered while a thousand browsers watch."""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import uvloop

from bench.client import Client
from bench.counting import redis_commands, transactions
from bench.figures import Figure, percentile
from bench.load import Exchange, Person, settle
from bench.processes import cpu_seconds, family
from bench.rounds import play, warm
from bench.stack import Stack
from bench.upstream import Pace

# replies that run throughout, each polled as one page polls it when few are watching
RUNNING, RUNNING_PACE = 50, Pace(tokens=4500)
POLL_SECONDS = 0.15
POLLING_SECONDS = 12.0
COUNTING_SECONDS = 2.0
# all are claimed by then
BEGUN_SECONDS = 3.0
# a watched reply says little: reading is measured, not streaming
WATCHED, WATCHED_PACE = 1000, Pace(tokens=60, every_ms=500)


@dataclass(frozen=True)
class Watch:
    """A job's path, and the key of whoever reads it; None: the local user."""

    key: str | None
    path: str


@dataclass(frozen=True)
class Polled:
    """A poll of a running job: the web's CPU seconds, and how often others were asked for it."""

    cpu: float
    redis_commands: float
    transactions: float


def measure(stack: Stack) -> list[Figure]:
    """Polls of the local user, and of users with a key each, who must be known first."""
    warm(stack)
    local = [None] * WATCHED
    keys = stack.create_keys(WATCHED)
    # whoever has a key is looked up now and then
    return [*_measure(stack, local, "", 0), *_measure(stack, keys, " with keys", None)]


def _measure(
    stack: Stack, keys: Sequence[str | None], of: str, transactions_limit: int | None
) -> list[Figure]:
    polled = _poll_running(stack, keys[:RUNNING])
    watched = play(stack, uvloop.run(settle(stack.url, keys)), pace=WATCHED_PACE)
    polls = steady_polls(watched.exchanges)
    seconds = [took for _, took in polls]
    span = max(at for at, _ in polls) - min(at for at, _ in polls) if polls else math.nan
    one, many = f"one poll of a running job{of}", f"{WATCHED:,} watching{of}"
    return [
        Figure(f"{one}: CPU", polled.cpu * 1000, "ms", 0.6),
        Figure(f"{one}: Redis round trips", polled.redis_commands, "", 1),
        Figure(f"{one}: transactions", round(polled.transactions, 2), "", transactions_limit),
        Figure(f"{many}: a poll, p95", percentile(seconds, 95) * 1000, "ms", 100),
        Figure(f"{many}: a poll, median", percentile(seconds, 50) * 1000, "ms"),
        Figure(f"{many}: polls a second", len(polls) / span, ""),
        Figure(f"{many}: replies wrong or lost", watched.round.wrong, "", 0),
    ]


def steady_polls(exchanges: Sequence[Exchange]) -> list[tuple[float, float]]:
    """When each poll was sent and how long it took, while all of the jobs were running."""
    whole = [exchange for exchange in exchanges if exchange.status == "completed"]
    begun = max((exchange.first_text for exchange in whole), default=math.inf)
    ended = min((exchange.ended for exchange in whole), default=-math.inf)
    return [poll for exchange in whole for poll in exchange.poll_times if begun <= poll[0] <= ended]


def _poll_running(stack: Stack, keys: Sequence[str | None]) -> Polled:
    people = uvloop.run(settle(stack.url, keys))
    jobs = uvloop.run(_start(stack.url, people))
    time.sleep(BEGUN_SECONDS)
    try:
        before, since = transactions(stack.database), time.monotonic()
        time.sleep(POLLING_SECONDS)
        meanwhile = transactions(stack.database) - before
        a_second = meanwhile / (time.monotonic() - since)

        before, since = before + meanwhile, time.monotonic()
        commands, counted = redis_commands(
            stack.redis_url,
            family(stack.pids["web"]),
            lambda: uvloop.run(_poll_all(stack.url, jobs, COUNTING_SECONDS)),
        )
        cpu = cpu_seconds(stack.pids["web"])
        timed = uvloop.run(_poll_all(stack.url, jobs, POLLING_SECONDS))
        cpu = cpu_seconds(stack.pids["web"]) - cpu
        meanwhile = transactions(stack.database) - before
        others = a_second * (time.monotonic() - since)
        asked = max(0.0, meanwhile - others) / (counted + timed)
        return Polled(cpu / timed, commands / counted, asked)
    finally:
        uvloop.run(_cancel(stack.url, jobs))


async def _start(url: str, people: Sequence[Person]) -> list[Watch]:
    """Posts for each; their jobs."""
    jobs = []
    for person in people:
        client = Client(url, person.key)
        marker = RUNNING_PACE.marker(uuid.uuid4().hex)
        answer = await client.post(
            f"/api/conversations/{person.conversation_id}/messages",
            {"content": marker},
            Idempotency_Key=marker,
        )
        jobs.append(Watch(person.key, f"/api/jobs/{answer.json()['job']['id']}"))
        client.close()
    return jobs


async def _poll_all(url: str, jobs: Sequence[Watch], seconds: float) -> int:
    """Polls each of them from a connection of its own; how many polls were answered."""
    ends_at = time.monotonic() + seconds
    polls = 0

    async def read(watch: Watch, begins: float) -> None:
        nonlocal polls
        await asyncio.sleep(begins)
        client, cursor = Client(url, watch.key), ""
        while time.monotonic() < ends_at:
            path = f"{watch.path}?cursor={cursor}" if cursor else watch.path
            answer = await client.get(path)
            job = answer.json()
            if job["status"] != "in_progress":
                raise RuntimeError(f"a job that should be running is {job['status']}")
            polls += 1
            cursor = job["cursor"]
            await asyncio.sleep(POLL_SECONDS)
        client.close()

    gap = POLL_SECONDS / len(jobs)
    await asyncio.gather(*(read(watch, index * gap) for index, watch in enumerate(jobs)))
    return polls


async def _cancel(url: str, jobs: Sequence[Watch]) -> None:
    for watch in jobs:
        client = Client(url, watch.key)
        await client.post(f"{watch.path}/cancellation", {})
        client.close()
