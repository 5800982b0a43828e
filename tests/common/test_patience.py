"""A database that gives no answer is given up, and the connections after it work again."""

import time
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from common.db import Database
from tests.databases import Databases
from tests.proxy import Proxy


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.create_database(f"patience_{uuid.uuid4().hex[:8]}")


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    folder = make_url(url).query["host"]
    with Proxy(f"{folder}/.s.PGSQL.5432") as proxy:
        yield proxy


def through(proxy: Proxy, url: str, **options: float | None) -> Database:
    there = make_url(url).set(host="127.0.0.1", port=proxy.port, query={})
    return Database(there.render_as_string(hide_password=False), pool_size=2, **options)  # type: ignore[arg-type]


def ask(database: Database) -> object:
    with database.transaction() as session:
        return session.scalar(text("SELECT 1"))


def test_an_answer_that_never_comes_is_given_up(proxy: Proxy, url: str) -> None:
    database = through(proxy, url, answer_seconds=0.5)
    assert ask(database) == 1
    began_at = time.monotonic()

    with proxy.blackhole(), pytest.raises(OperationalError, match=r"no answer within 0\.5 s"):
        ask(database)

    assert 0.4 < time.monotonic() - began_at < 5
    assert ask(database) == 1
    database.close()


def test_a_connection_that_is_never_taken_up_is_given_up(proxy: Proxy, url: str) -> None:
    database = through(proxy, url)

    with proxy.blackhole(), pytest.raises(OperationalError, match="no answer within 3 s"):
        ask(database)

    assert ask(database) == 1
    database.close()


def test_one_lost_answer_makes_the_whole_pool_anew(proxy: Proxy, url: str) -> None:
    database = through(proxy, url, answer_seconds=0.5)
    with database.transaction() as one, database.transaction() as other:
        one.execute(text("SELECT 1"))
        other.execute(text("SELECT 1"))
    with proxy.blackhole(), pytest.raises(OperationalError):
        ask(database)

    # the second connection was cut with the first, yet nobody meets it
    assert [ask(database) for _ in range(3)] == [1, 1, 1]
    database.close()


def test_an_operators_command_waits_as_long_as_it_takes(url: str) -> None:
    hurried = Database(url, pool_size=1, answer_seconds=0.3)
    with pytest.raises(OperationalError), hurried.transaction() as session:
        session.execute(text("SELECT pg_sleep(0.6)"))
    patient = Database(url, pool_size=1, answer_seconds=None)

    with patient.transaction() as session:
        session.execute(text("SELECT pg_sleep(0.6)"))
        assert session.scalar(text("SHOW statement_timeout")) == "0"
    hurried.close()
    patient.close()
