"""Prepared statements: planned once a connection, and none the worse for what happens meanwhile."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from common.db import Database
from common.listings import find_job
from common.prepared import prepared
from tests.common.rows import post


@pytest.fixture
def sent(database: Database) -> list[str]:
    statements: list[str] = []
    event.listen(
        database.engine, "before_cursor_execute", lambda *given: statements.append(given[2])
    )
    return statements


def test_a_statement_is_prepared_once_and_then_executed(
    database: Database, sent: list[str]
) -> None:
    doubled = prepared("doubled", "SELECT CAST(:x AS int) * 2 + :y % 10, :x || '%'")

    for x in (1, 2, 3):
        with database.transaction() as session:
            assert session.execute(doubled, {"x": str(x), "y": 12}).one() == (2 * x + 2, f"{x}%")

    assert [one.split()[0] for one in sent] == ["PREPARE", "EXECUTE", "EXECUTE", "EXECUTE"]


def test_what_was_prepared_outlasts_a_rollback(database: Database, sent: list[str]) -> None:
    one = prepared("one", "SELECT CAST(:x AS int)")

    with database.engine.connect() as connection:
        connection.execute(one, {"x": 1})
        connection.rollback()
    with database.transaction() as session:
        assert session.scalar(one, {"x": 2}) == 2

    assert [statement.split()[0] for statement in sent] == ["PREPARE", "EXECUTE", "EXECUTE"]


def test_a_connection_that_was_lost_is_followed_by_one_that_prepares_anew(
    database: Database, sent: list[str]
) -> None:
    one = prepared("one", "SELECT CAST(:x AS int)")
    with database.transaction() as session:
        session.execute(one, {"x": 1})
        pid = session.scalar(text("SELECT pg_backend_pid()"))
    other = Database(database.engine.url.render_as_string(hide_password=False), pool_size=1)
    with other.transaction() as session:
        session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    other.close()
    sent.clear()

    with pytest.raises(OperationalError), database.transaction() as session:
        session.execute(one, {"x": 2})
    with database.transaction() as session:
        assert session.scalar(one, {"x": 3}) == 3

    assert [statement.split()[0] for statement in sent] == ["EXECUTE", "PREPARE", "EXECUTE"]


def test_a_column_that_a_migration_adds_breaks_none_that_is_prepared(database: Database) -> None:
    with database.transaction() as session:
        job = post(session).job
    with database.transaction() as session:
        assert find_job(session, job.user_id, job.id) is not None
    with database.transaction() as session:
        session.execute(text("ALTER TABLE jobs ADD COLUMN added_later text"))

    with database.transaction() as session:
        found = find_job(session, job.user_id, job.id)
        assert found is not None
        assert found.job.id == job.id
        assert find_job(session, uuid.uuid4(), job.id) is None
