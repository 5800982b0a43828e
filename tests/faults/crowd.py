"""People with keys of their own at a running stack, and what many of them post."""

import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg2
from sqlalchemy.orm import Session

from common import access
from common.db import Database
from tests.stack import Stack

# More than a web process has threads, so that some are always being answered together.
AT_ONCE = 24


@dataclass(frozen=True)
class Member:
    """A user of the stack, and the headers that say so."""

    id: uuid.UUID
    headers: dict[str, str]


@contextmanager
def session_on(stack: Stack) -> Iterator[Session]:
    """A transaction on the stack's database."""
    database = Database(stack.database_url, pool_size=1)
    try:
        with database.transaction() as session:
            yield session
    finally:
        database.close()


def sign_up(stack: Stack, *names: str) -> list[Member]:
    """Users with a key each, as `manage.py create-user` makes them."""
    members = []
    with session_on(stack) as session:
        for name in names:
            user = access.create_user(session, name)
            key = access.create_api_key(session, user, name)
            members.append(Member(user.id, {"Authorization": f"Bearer {key}"}))
    return members


def flood(client: httpx.Client, contents: Sequence[str]) -> list[httpx.Response]:
    """Asks all of it from many threads; the answers in the order of `contents`."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda one: client.post("/api/ask", json={"content": one}), contents))


def rows(stack: Stack, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of the stack's database, in a transaction of their own."""
    with psycopg2.connect(stack.database_url) as connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()
