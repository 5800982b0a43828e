"""The people: each posts one question and polls its job until it has ended, as a page does."""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bench.client import Client
from bench.upstream import MODEL, USUAL, Pace

# beyond its own time a reply may take so long; then it is lost
PATIENCE_SECONDS = 120
# within this long everybody has posted
SPREAD_SECONDS = 1.0
# so many conversations are made at once before a round
SETTLERS = 4


@dataclass(frozen=True)
class Person:
    """Somebody with a conversation; `key` None is the local user."""

    key: str | None
    conversation_id: str


@dataclass
class Exchange:
    """One question and its reply as a person saw them; times are time.time(), 0.0 until then."""

    marker: str
    due: float
    posted: float = 0.0
    accepted: float = 0.0
    first_text: float = 0.0
    ended: float = 0.0
    status: str = "lost"
    is_exact: bool = False
    attempts: int = 0
    polls: int = 0
    queued_seconds: float = math.nan
    # of each poll: when it was sent, and the seconds until its first byte
    poll_times: list[tuple[float, float]] = field(default_factory=list, repr=False)


async def converse(
    url: str,
    people: Sequence[Person],
    pace: Pace = USUAL,
    aside: Callable[[], Awaitable[None]] | None = None,
) -> list[Exchange]:
    """Everybody asks within SPREAD_SECONDS; returns when the last reply has been read or given
    up. `aside` runs meanwhile and is cancelled then."""
    begun = time.time()
    gap = SPREAD_SECONDS / max(1, len(people) - 1)
    beside = asyncio.ensure_future(aside()) if aside else None
    asking = (_ask(url, person, begun + index * gap, pace) for index, person in enumerate(people))
    exchanges = await asyncio.gather(*asking)
    if beside is not None:
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)
    return list(exchanges)


async def settle(url: str, keys: Sequence[str | None]) -> list[Person]:
    """A new conversation for each key. RuntimeError if one can't be made."""
    left, people = list(keys), []

    async def make() -> None:
        while left:
            key = left.pop()
            client = Client(url, key)
            answer = await client.post("/api/conversations", {"model": MODEL})
            client.close()
            if answer.status != 201:
                raise RuntimeError(f"no conversation: {answer.status} {answer.body!r}")
            people.append(Person(key, answer.json()["id"]))

    await asyncio.gather(*(make() for _ in range(SETTLERS)))
    return people


async def _ask(url: str, person: Person, due: float, pace: Pace) -> Exchange:
    marker = pace.marker(uuid.uuid4().hex)
    exchange, client = Exchange(marker, due), Client(url, person.key)
    await asyncio.sleep(max(0.0, due - time.time()))
    try:
        async with asyncio.timeout(pace.seconds + PATIENCE_SECONDS):
            await _talk(client, person, exchange, pace)
    except (OSError, TimeoutError) as error:
        exchange.status = type(error).__name__
    exchange.ended = time.time()
    client.close()
    return exchange


async def _talk(client: Client, person: Person, exchange: Exchange, pace: Pace) -> None:
    """Fills in the exchange; returns early, its status saying why, when the server refuses."""
    exchange.posted = time.time()
    answer = await client.post(
        f"/api/conversations/{person.conversation_id}/messages",
        {"content": f"Tell me a hundred words. {exchange.marker}"},
        Idempotency_Key=exchange.marker,
    )
    exchange.accepted = answer.at
    if answer.status != 202:
        exchange.status = f"refused with {answer.status}"
        return
    job = answer.json()["job"]
    path, text, cursor = f"/api/jobs/{job['id']}", "", ""
    while True:
        await asyncio.sleep(job["poll_after_ms"] / 1000)
        sent = time.time()
        answer = await client.get(f"{path}?cursor={cursor}" if cursor else path)
        exchange.polls += 1
        exchange.poll_times.append((sent, answer.at - sent))
        if answer.status != 200:
            exchange.status = f"a poll refused with {answer.status}"
            return
        job = answer.json()
        cursor = job["cursor"]
        text = job["text"] if job["reset"] else text + job["text"]
        if text and not exchange.first_text:
            exchange.first_text = time.time()
        if job["status"] not in ("queued", "in_progress"):
            break
    exchange.status = job["status"]
    exchange.is_exact = text == pace.text
    exchange.attempts = job["attempt"]
    exchange.queued_seconds = _seconds_between(job["created_at"], job["started_at"])


def _seconds_between(earlier: str, later: str | None) -> float:
    if later is None:
        return math.nan
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
