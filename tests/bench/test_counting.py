"""What processes ask of the servers is counted by the servers, and only theirs."""

from __future__ import annotations

import os

import pytest
import redis
from sqlalchemy import text

from bench import counting
from common.db import Database
from tests.databases import Databases

TWO_CALLS = "redis.call('GET', KEYS[1]) return redis.call('STRLEN', KEYS[1])"


def test_a_script_is_one_command_and_others_commands_are_nobodys(databases: Databases) -> None:
    url = databases.create_redis()
    with redis.Redis.from_url(url) as client:
        script = client.register_script(TWO_CALLS)
        script(keys=["a"])

        def act() -> str:
            client.get("a")
            script(keys=["a"])
            return "done"

        assert counting.redis_commands(url, [os.getpid()], act) == (2, "done")
        assert counting.redis_commands(url, [], act) == (0, "done")


def test_transactions_are_counted(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "STATISTICS_SECONDS", 0.3)

    def counted() -> int:
        database.close()  # a process of PostgreSQL's that ends hands in at once
        return counting.transactions(database)

    before = counted()
    for _ in range(20):
        with database.transaction() as session:
            session.execute(text("SELECT 1"))

    # the first counting is one of them, and to connect takes some
    assert 21 <= counted() - before <= 29
