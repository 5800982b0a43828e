"""Many clients that act in the same moment, and what the tables and Redis hold afterwards."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx
import psycopg2
import redis

from tests.stack import Stack

T = TypeVar("T")
# The thread that is late waits for nobody; one that never comes must not hang the others.
GATHER_SECONDS = 30


def together(stack: Stack, *acts: Callable[[httpx.Client], T]) -> list[T]:
    """Runs each act in a thread with a connection of its own, all released in one moment.

    Their results in the order of the acts; the first exception of one is raised.
    """
    begin = threading.Barrier(len(acts), timeout=GATHER_SECONDS)

    def run(act: Callable[[httpx.Client], T]) -> T:
        # no certificates are read for plain HTTP: that takes longer than most of what is raced
        with stack.client(verify=False) as client:
            client.get("/health")  # the connection is there before it counts
            begin.wait()
            return act(client)

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def rows(stack: Stack, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of the stack's database, in a transaction of their own."""
    with psycopg2.connect(stack.database_url) as connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def traces(stack: Stack, job_id: str) -> set[str]:
    """The keys that the live log keeps of a job."""
    with redis.Redis.from_url(stack.environment["REDIS_URL"], decode_responses=True) as client:
        return set(client.scan_iter(match=f"*{job_id}*", count=1000))


def statuses(answers: Sequence[httpx.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)
