"""What more processes bring: workers of few slots from one to four, and two webs behind nginx;
then all of it scaled up and down while people ask, with nothing lost."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import uvloop
from sqlalchemy import TextClause, text

from bench.client import Client
from bench.figures import Figure
from bench.fronted import Fronted
from bench.load import Exchange, Person, converse, settle
from bench.processes import cpu_seconds
from bench.rounds import play, warm
from bench.upstream import Pace
from common.db import Database

# The processes' slots are what limits, not the machine. The last eighth is for other users.
SLOTS = 64
CREWS = (1, 2, 4)
# four fillings of one worker's slots
AT_ONCE, PACE = 224, Pace(tokens=250)
# While workers come and go: so many people, each asking anew when answered.
PEOPLE, ASKED = 60, Pace(tokens=100)
STEPS = ((8, 2), (14, 3), (20, 4), (28, -4), (34, -3), (40, -2))
SECONDS = 48.0
POLLING, POLLERS = 8.0, 24
ROWS = text("""
    SELECT tup_inserted + tup_updated + tup_deleted AS rows FROM pg_stat_database
    WHERE datname = current_database()
""")
ENDS = text("""
    SELECT count(*) AS jobs,
           count(*) FILTER (WHERE status <> 'completed') AS other,
           coalesce(sum(failures), 0) AS charged,
           count(*) FILTER (WHERE attempts @> '[{"outcome": "handed_over"}]') AS handed_over
    FROM jobs WHERE id > :since
""")


@dataclass
class Swell:
    """What happened while workers came and went."""

    exchanges: list[Exchange] = field(default_factory=list)
    rows_a_second: float = 0.0
    replies_a_second: float = 0.0
    polls_a_second: float = 0.0
    jobs: int = 0
    other: int = 0
    charged: int = 0
    handed_over: int = 0


def measure() -> tuple[list[Figure], str]:
    """The figures, and how each reply ended as its reader saw it."""
    ends: Counter[str] = Counter()
    with Fronted({"EPICODE_WORKER_SLOTS": str(SLOTS)}) as stack:
        warm(stack)
        makespans = {}
        wrong = 0
        for crew in CREWS:
            for number in range(stack.crew + 1, crew + 1):
                stack.add_worker(number)
            played = play(stack, AT_ONCE, pace=PACE)
            makespans[crew] = played.round.makespan
            wrong += played.round.wrong
            ends.update(_end(each) for each in played.exchanges)
        for number in range(CREWS[-1], 1, -1):
            stack.take_worker_away(number)
        swell = _swell(stack)
        ends.update(_end(each) for each in swell.exchanges)
        both = _polls_a_second(stack)
    figures = [
        Figure(
            f"{AT_ONCE} replies of {PACE.seconds:.0f} s, {crew} workers of {SLOTS} slots", took, "s"
        )
        for crew, took in makespans.items()
    ]
    lost = sum(not (each.status == "completed" and each.is_exact) for each in swell.exchanges)
    figures += [
        Figure("four workers' makespan over one's", makespans[4] / makespans[1], "×", 0.4),
        Figure("replies wrong or lost", wrong, "", 0),
        Figure("while workers came and went: replies", len(swell.exchanges), ""),
        Figure("of those wrong or lost", lost, "", 0),
        Figure("jobs that did not complete", swell.other, "", 0),
        Figure("failures charged", swell.charged, "", 0),
        Figure("jobs handed over", swell.handed_over, ""),
        Figure("replies a second", swell.replies_a_second, ""),
        Figure("polls a second", swell.polls_a_second, ""),
        Figure("rows a second", swell.rows_a_second, ""),
        Figure("rows a reply", swell.rows_a_second / swell.replies_a_second, ""),
        Figure("two web processes, polled as fast as they answer: polls a second", both.rate, ""),
        Figure("of that, CPU of the webs a poll", both.web_ms, "ms"),
        Figure("CPU of nginx a poll", both.nginx_ms, "ms"),
    ]
    return figures, "Ends, as readers saw them: " + ", ".join(
        f"{n} {end}" for end, n in ends.items()
    )


def _end(exchange: Exchange) -> str:
    return exchange.status if exchange.is_exact else f"{exchange.status}, other text"


def _swell(stack: Fronted) -> Swell:
    """People ask for `SECONDS` while workers are added and taken away."""
    people = uvloop.run(settle(stack.url, [None] * PEOPLE))
    ((since,),) = _ask(stack.database, text("SELECT id FROM jobs ORDER BY id DESC LIMIT 1"))
    ((before,),) = _ask(stack.database, ROWS)
    began = time.monotonic()
    found = Swell(exchanges=uvloop.run(_talk(stack, people)))
    took = time.monotonic() - began
    time.sleep(2)  # PostgreSQL hands its counts in with a delay
    ((after,),) = _ask(stack.database, ROWS)
    ((found.jobs, found.other, found.charged, found.handed_over),) = _ask(
        stack.database, ENDS, since=since
    )
    found.rows_a_second = (after - before) / took
    found.replies_a_second = len(found.exchanges) / took
    found.polls_a_second = sum(each.polls for each in found.exchanges) / took
    return found


async def _talk(stack: Fronted, people: list[Person]) -> list[Exchange]:
    ends_at = time.monotonic() + SECONDS
    done: list[Exchange] = []

    async def go_on(person: Person) -> None:
        while time.monotonic() < ends_at:
            done.extend(await converse(stack.url, [person], ASKED))

    async def scale() -> None:
        began = time.monotonic()
        for at, step in STEPS:
            await asyncio.sleep(max(0.0, began + at - time.monotonic()))
            change = stack.add_worker if step > 0 else stack.take_worker_away
            await asyncio.to_thread(change, abs(step))

    await asyncio.gather(scale(), *(go_on(person) for person in people))
    return done


@dataclass(frozen=True)
class Polled:
    """Polls a second, and what each cost."""

    rate: float
    web_ms: float
    nginx_ms: float


def _polls_a_second(stack: Fronted) -> Polled:
    """One running job, polled by `POLLERS` without a pause."""
    roots = {name: stack.pids[name] for name in ("web", "web-2", "nginx")}
    before = {name: cpu_seconds(pid) for name, pid in roots.items()}
    polls = uvloop.run(_hammer(stack.url))
    cost = {name: cpu_seconds(pid) - before[name] for name, pid in roots.items()}
    web = cost["web"] + cost["web-2"]
    return Polled(polls / POLLING, web / polls * 1000, cost["nginx"] / polls * 1000)


async def _hammer(url: str) -> int:
    (person,) = await settle(url, [None])
    pace, client = Pace(tokens=2000), Client(url)
    answer = await client.post(
        f"/api/conversations/{person.conversation_id}/messages",
        {"content": pace.marker("0f")},
        Idempotency_Key=pace.marker("0f"),
    )
    path = answer.json()["job"]["id"]
    polls = 0

    async def poll() -> None:
        nonlocal polls
        own = Client(url)
        ends_at = time.monotonic() + POLLING
        cursor = ""
        while time.monotonic() < ends_at:
            answer = await own.get(f"/api/jobs/{path}{cursor}")
            assert answer.status == 200
            cursor = f"?cursor={answer.json()['cursor']}"
            polls += 1
        own.close()

    await asyncio.gather(*(poll() for _ in range(POLLERS)))
    await client.post(f"/api/jobs/{path}/cancellation", {})
    client.close()
    return polls


def _ask(database: Database, query: TextClause, **values: object) -> list[tuple[Any, ...]]:
    with database.transaction() as session:
        return [tuple(row) for row in session.execute(query, values)]
