"""The one database: its addresses, its ids, its transactions, and what is said when it is away."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, SQLAlchemyError

from common.config import SEED_DATABASE_URL
from common.db import Database, driver_url, new_id, reason_unreachable


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_the_driver_is_named_whatever_the_address_says(scheme: str) -> None:
    url = driver_url(f"{scheme}://me:p%40ss@/db?host=/run/short")

    assert url.startswith("postgresql+psycopg2://me:p%40ss@/db?host=")


def test_ids_made_later_sort_later() -> None:
    ids = [new_id() for _ in range(2000)]
    time.sleep(0.002)

    assert len(set(ids)) == 2000
    assert max(ids) < new_id()
    assert {one.version for one in ids} == {7}


def test_a_block_that_raises_leaves_nothing(shared_database: Database) -> None:
    def insert_and(fail: Callable[[], None]) -> None:
        with shared_database.transaction() as session:
            session.execute(text("INSERT INTO models (id) VALUES ('left')"))
            fail()

    def break_off() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        insert_and(break_off)
    with shared_database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM models")) == 0

    insert_and(lambda: None)

    with shared_database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM models")) == 1


def test_times_are_utc_and_statements_end(shared_database: Database) -> None:
    with shared_database.transaction() as session:
        assert session.scalar(text("SHOW timezone")) == "UTC"
        assert session.scalar(text("SHOW statement_timeout")) == "8s"


def test_a_transaction_that_froze_is_ended_and_frees_its_rows(shared_database: Database) -> None:
    with shared_database.transaction() as session:
        assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "10s"


def test_a_nul_is_an_error_of_the_database_and_not_a_silent_cut(
    shared_database: Database,
) -> None:
    with pytest.raises((DataError, ValueError)), shared_database.transaction() as session:
        session.execute(text("INSERT INTO models (id) VALUES (:id)"), {"id": "a\x00b"})


def test_who_answers_has_no_reason(shared_database: Database) -> None:
    url = shared_database.engine.url.render_as_string(hide_password=False)

    assert reason_unreachable(url) is None


@pytest.mark.parametrize(
    "url",
    [
        SEED_DATABASE_URL.replace("5432", "1"),
        "postgresql://me:hidden@127.0.0.1:1/db",
        "postgresql://me:hidden@/db?host=/no/such/folder",
        "postgresql://me:hidden@no-such-host.invalid/db",
    ],
)
def test_why_nobody_answers_is_one_line_without_the_password(url: str) -> None:
    reason = reason_unreachable(url)

    assert reason
    assert len(reason.splitlines()) == 1
    assert "hidden" not in reason
    assert "contraseña" not in reason


def test_a_pool_that_is_used_up_says_so_in_time(shared_database: Database) -> None:
    url = shared_database.engine.url.render_as_string(hide_password=False)
    small = Database(url, pool_size=1, wait_seconds=0.05)
    with small.transaction() as session:
        session.execute(text("SELECT 1"))

        with pytest.raises(SQLAlchemyError), small.transaction() as other:
            other.execute(text("SELECT 1"))
    small.close()
