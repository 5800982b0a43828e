"""What needs no answer goes along with what does, and is as safe as if it had gone alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from psycopg2 import NotSupportedError
from sqlalchemy import insert, select, text
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.orm import Session

from common.db import Database, Transaction
from common.models import Model
from common.statement import Statement, prepared
from tests.common.trips import round_trips

ADD = prepared("add_model", "INSERT INTO models (id) VALUES (:id) -- one more")
COUNT = Statement("SELECT count(*) FROM models")


def count(database: Database) -> int:
    with database.bare_transaction() as connection:
        found: int = COUNT.scalar(connection)
        return found


def add(
    database: Database,
    *ids: str,
    then: Callable[[Transaction], None] = lambda within: None,
    kind: str = "bare_transaction",
) -> None:
    """Adds models in a transaction, unasked for, and does something more in it."""
    with getattr(database, kind)() as within:
        add_to(within, *ids)
        then(within)


def add_to(within: Transaction, *parts: str | Statement) -> None:
    for part in parts:
        if isinstance(part, Statement):
            part.all(within)
        else:
            ADD.later(within, {"id": part})


def give_up(within: Transaction) -> None:
    raise KeyError


@pytest.fixture
def ready(database: Database) -> Database:
    """With one connection open, on which everything is prepared."""
    with database.transaction() as session:
        ADD.later(session, {"id": "nobody's"})
        session.rollback()
    return database


@pytest.mark.parametrize("kind", ["transaction", "bare_transaction"])
def test_beginning_and_committing_cost_no_round_trip_of_their_own(
    ready: Database, kind: str
) -> None:
    with round_trips() as trips, getattr(ready, kind)() as within:
        ADD.later(within, {"id": "one"})
        ADD.later(within, {"id": "two"})
        assert COUNT.scalar(within) == 2  # the two went before it
        ADD.later(within, {"id": "three"})

    assert len(trips) == 2
    assert count(ready) == 3


def test_what_nobody_asked_about_is_one_round_trip(ready: Database) -> None:
    with round_trips() as trips, ready.bare_transaction() as connection:
        ADD.later(connection, {"id": "one"})
        ADD.later(connection, {"id": "two"})

    assert len(trips) == 1
    assert count(ready) == 2


def test_a_transaction_in_which_nothing_happens_costs_nothing(ready: Database) -> None:
    with round_trips() as trips:
        with ready.bare_transaction():
            pass
        with pytest.raises(KeyError):
            add(ready, "one", then=give_up)

    assert trips == []
    assert count(ready) == 0


def test_a_rollback_takes_back_what_was_sent_and_forgets_what_was_not(ready: Database) -> None:
    with Session(ready.engine) as session:
        ADD.all(session, {"id": "one"})
        ADD.later(session, {"id": "two"})
        session.rollback()
        ADD.later(session, {"id": "three"})
        session.commit()

    assert count(ready) == 1


def test_what_it_raises_is_raised_by_the_next_statement(ready: Database) -> None:
    asked = []

    def ask(within: Transaction) -> None:
        with pytest.raises(IntegrityError):
            COUNT.scalar(within)
        asked.append(within)
        give_up(within)

    with pytest.raises(KeyError):
        add(ready, "one", "one", then=ask)
    assert asked
    assert count(ready) == 0


@pytest.mark.parametrize("kind", ["transaction", "bare_transaction"])
def test_what_it_raises_is_raised_by_the_commit(ready: Database, kind: str) -> None:
    with pytest.raises(IntegrityError):
        add(ready, "one", "one", kind=kind)
    with pytest.raises(IntegrityError):
        add(ready, "one", then=lambda within: add_to(within, "two", COUNT, "two"), kind=kind)

    assert count(ready) == 0


def test_a_commit_says_so_when_all_was_rolled_back(ready: Database) -> None:
    def fail(within: Transaction) -> None:
        with pytest.raises(ProgrammingError):
            within.execute(text("SELECT nothing_of_the_kind"))

    with pytest.raises(OperationalError, match="rolled back"):
        add(ready, "one", then=fail)

    assert count(ready) == 0


def test_a_connection_lost_at_the_commit_is_an_error_and_given_up(ready: Database) -> None:
    other = Database(ready.engine.url.render_as_string(hide_password=False), pool_size=1)

    def lose(within: Transaction) -> None:
        pid = within.scalar(text("SELECT pg_backend_pid()"))
        with other.bare_transaction() as elsewhere:
            elsewhere.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        add_to(within, "two")

    with pytest.raises(OperationalError) as lost:
        add(ready, "one", then=lose)
    other.close()

    assert lost.value.connection_invalidated
    assert count(ready) == 0


def test_many_at_once_are_in_the_transaction_too(ready: Database) -> None:
    def add_many(within: Transaction) -> None:
        assert isinstance(within, Session)
        within.connection().exec_driver_sql(
            "INSERT INTO models (id) VALUES (%(id)s)", [{"id": "two"}, {"id": "three"}]
        )
        within.execute(insert(Model), [{"id": "four"}, {"id": "five"}])
        assert COUNT.scalar(within) == 5
        give_up(within)

    with pytest.raises(KeyError):
        add(ready, "one", then=add_many, kind="transaction")

    assert count(ready) == 0


def test_where_each_statement_stands_alone_none_waits(ready: Database) -> None:
    with ready.engine.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        ADD.later(alone, {"id": "one"})
        assert count(ready) == 1

    with pytest.raises(KeyError):  # on the same connection
        add(ready, "two", then=give_up)
    assert count(ready) == 1


@pytest.mark.parametrize("kind", ["a duplicate", "a lock that takes too long"])
def test_a_connection_whose_commit_failed_is_as_good_as_new(ready: Database, kind: str) -> None:
    session = Session(ready.engine)
    if kind == "a duplicate":
        add_to(session, "one", "one")
    else:
        Statement("SET LOCAL statement_timeout = 50").later(session)
        Statement("SELECT pg_sleep(5)").later(session)
    with pytest.raises(DBAPIError):
        session.commit()
    session.close()  # as Flask does: nobody rolls back

    with round_trips() as trips:
        assert count(ready) == 0
    assert len(trips) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        Statement("SELECT CAST(:id AS jsonb)"),
        Statement("SELECT FROM nothing WHERE AND"),
    ],
)
def test_what_went_with_an_error_that_somebody_swallowed_is_never_committed_without(
    ready: Database, wrong: Statement
) -> None:
    def swallow(within: Transaction) -> None:
        with pytest.raises(DBAPIError):
            wrong.all(within, {"id": "not JSON"})
        with suppress(DBAPIError):
            add_to(within, "two")

    with pytest.raises(DBAPIError):
        add(ready, "one", then=swallow)

    assert count(ready) == 0


@pytest.mark.parametrize("value", [object(), "a NUL: \0"])
def test_what_cant_be_written_out_loses_nothing_of_the_rest(ready: Database, value: object) -> None:
    def swallow(within: Transaction) -> None:
        with pytest.raises(StatementError):
            ADD.all(within, {"id": value})

    add(ready, "one", then=swallow)

    assert count(ready) == 1


def test_rows_are_counted_where_many_are_changed_at_once(ready: Database) -> None:
    with ready.transaction() as session:
        session.add_all([Model(id="one"), Model(id="two")])
    with ready.transaction() as session:
        for model in session.scalars(select(Model)):
            model.limits = {"context_window": 1000}
    with ready.transaction() as session:
        assert [model.limits for model in session.scalars(select(Model))] == [
            {"context_window": 1000}
        ] * 2
        for model in session.scalars(select(Model)):
            session.delete(model)

    assert count(ready) == 0


@pytest.mark.parametrize(
    "past",
    [
        lambda cursor: cursor.callproc("now"),
        lambda cursor: cursor.copy_expert("COPY models FROM STDIN", None),
    ],
)
def test_what_would_go_past_the_transaction_is_refused(
    ready: Database, past: Callable[[object], None]
) -> None:
    with ready.engine.connect() as connection, pytest.raises(NotSupportedError):
        past(connection.connection.cursor())
