"""The people: each posts one question and polls its job until it has ended, as a page does."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp

from bench.upstream import MODEL, TOKENS

EXPECTED = "".join(TOKENS)
GIVE_UP_SECONDS = 120
# within this long everybody has posted
SPREAD_SECONDS = 1.0


@dataclass(frozen=True)
class Person:
    """Somebody with a conversation; `key` None is the local user."""

    key: str | None
    conversation_id: str


@dataclass(frozen=True)
class Exchange:
    """One question and its reply as a person saw them; times are time.time()."""

    marker: str
    due: float
    posted: float
    accepted: float
    first_text: float
    ended: float
    status: str
    is_exact: bool
    attempts: int
    polls: int
    queued_seconds: float


async def converse(url: str, people: list[Person]) -> list[Exchange]:
    """Everybody asks within SPREAD_SECONDS; returns when the last reply has been read."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=75)
    timeout = aiohttp.ClientTimeout(total=GIVE_UP_SECONDS)
    async with aiohttp.ClientSession(url, connector=connector, timeout=timeout) as session:
        begun = time.time()
        gap = SPREAD_SECONDS / max(1, len(people) - 1)
        asking = (_ask(session, person, begun + index * gap) for index, person in enumerate(people))
        return list(await asyncio.gather(*asking))


async def settle(url: str, keys: list[str | None]) -> list[Person]:
    """A conversation for each key."""
    people = []
    async with aiohttp.ClientSession(url) as session:
        for key in keys:
            async with session.post(
                "/api/conversations", json={"model": MODEL}, headers=_headers(key)
            ) as response:
                response.raise_for_status()
                people.append(Person(key, (await response.json())["id"]))
    return people


async def _ask(session: aiohttp.ClientSession, person: Person, due: float) -> Exchange:
    marker = f"bench-{uuid.uuid4().hex}"
    path = f"/api/conversations/{person.conversation_id}/messages"
    body = {"content": f"Tell me a hundred words. {marker}"}
    headers = {**_headers(person.key), "Idempotency-Key": marker}
    await asyncio.sleep(max(0.0, due - time.time()))
    posted = time.time()
    async with session.post(path, json=body, headers=headers) as response:
        accepted = time.time()
        if response.status != 202:
            raise RuntimeError(f"POST answered {response.status}: {await response.text()}")
        job = (await response.json())["job"]
    return await _watch(session, person, marker, (due, posted, accepted), job)


async def _watch(
    session: aiohttp.ClientSession,
    person: Person,
    marker: str,
    times: tuple[float, float, float],
    job: dict[str, Any],
) -> Exchange:
    path, headers = f"/api/jobs/{job['id']}", _headers(person.key)
    text, first_text, polls, cursor = "", 0.0, 0, None
    while True:
        await asyncio.sleep(job["poll_after_ms"] / 1000)
        query: dict[str, str] = {"cursor": cursor} if cursor else {}
        async with session.get(path, params=query, headers=headers) as response:
            if response.status != 200:
                raise RuntimeError(f"a poll answered {response.status}: {await response.text()}")
            job = await response.json()
        polls += 1
        cursor = job["cursor"]
        text = job["text"] if job["reset"] else text + job["text"]
        if text and not first_text:
            first_text = time.time()
        if job["status"] not in ("queued", "in_progress"):
            break
    return Exchange(
        marker,
        *times,
        first_text,
        time.time(),
        job["status"],
        text == EXPECTED,
        job["attempt"],
        polls,
        _seconds_between(job["created_at"], job["started_at"]),
    )


def _headers(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def _seconds_between(earlier: str, later: str | None) -> float:
    if later is None:
        return float("nan")
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
