"""Statements that are written out: some planned once a connection, and all of them as safe as
SQLAlchemy's own, whatever happens meanwhile."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from common.db import Database
from common.listings import find_job
from common.statement import Statement, prepared
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
            assert doubled.one(session, {"x": str(x), "y": 12}) == (2 * x + 2, f"{x}%")

    assert [one.split()[0] for one in sent] == ["PREPARE", "EXECUTE", "EXECUTE", "EXECUTE"]


def test_rows_have_their_columns_as_attributes(database: Database) -> None:
    rows = Statement("SELECT n, n * 2 AS twice, :word AS word FROM generate_series(1, 2) AS n")
    none = Statement("SELECT 1 AS n WHERE false")

    with database.bare_transaction() as connection:
        assert [(row.n, row.twice, row.word) for row in rows.all(connection, {"word": "%"})] == [
            (1, 2, "%"),
            (2, 4, "%"),
        ]
        assert rows.first(connection, {"word": ""}).n == 1
        assert rows.scalar(connection, {"word": ""}) == 1
        assert none.first(connection) is None
        assert none.scalar(connection) is None


def test_a_bare_transaction_is_committed_whole_or_not_at_all(database: Database) -> None:
    add = prepared("add_model", "INSERT INTO models (id) VALUES (:id)")
    count = Statement("SELECT count(*) FROM models")

    def add_all(*ids: str) -> None:
        with database.bare_transaction() as connection:
            for model in ids:
                add.all(connection, {"id": model})

    add_all("one")
    with pytest.raises(IntegrityError):
        add_all("two", "one")

    with database.bare_transaction() as connection:
        assert count.scalar(connection) == 1
    with pytest.raises(ProgrammingError), database.bare_transaction() as connection:
        Statement("SELECT nothing_of_the_kind").all(connection)


def test_what_was_prepared_outlasts_a_rollback(database: Database, sent: list[str]) -> None:
    one = prepared("one", "SELECT CAST(:x AS int)")

    with database.engine.connect() as connection:
        one.all(connection, {"x": 1})
        connection.rollback()
    with database.transaction() as session:
        assert one.scalar(session, {"x": 2}) == 2

    assert [statement.split()[0] for statement in sent] == ["PREPARE", "EXECUTE", "EXECUTE"]


@pytest.mark.parametrize("kind", ["transaction", "bare_transaction"])
def test_a_connection_that_was_lost_is_followed_by_one_that_prepares_anew(
    database: Database, sent: list[str], kind: str
) -> None:
    begin = getattr(database, kind)
    one = prepared("one", "SELECT CAST(:x AS int)")
    with begin() as session:
        one.all(session, {"x": 1})
        pid = session.scalar(text("SELECT pg_backend_pid()"))
    other = Database(database.engine.url.render_as_string(hide_password=False), pool_size=1)
    with other.transaction() as session:
        session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    other.close()
    sent.clear()

    with pytest.raises(OperationalError) as lost, begin() as session:
        one.all(session, {"x": 2})
    assert lost.value.connection_invalidated
    with begin() as session:
        assert one.scalar(session, {"x": 3}) == 3

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
