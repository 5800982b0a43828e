"""SQL that is written out and runs past SQLAlchemy's machinery, which costs three times its run.

Pool, transactions, errors and events are SQLAlchemy's all the same. Statements name their columns:
after a migration that adds one, a prepared `RETURNING jobs.*` would fail on every connection that
is open.
"""

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, FromClause, text
from sqlalchemy.dialects.postgresql import psycopg2
from sqlalchemy.orm import Session

from common.db import Transaction

# A row: its columns as attributes.
Row = Any

_PARAMETER = re.compile(r"%\((\w+)\)s")
_DIALECT = psycopg2.dialect()  # type: ignore[no-untyped-call]
_NO_VALUES: Mapping[str, Any] = {}


def prepared(name: str, sql: str) -> "Statement":
    """A statement that each connection plans once, as `name`: planning a short one costs more than
    its run. PostgreSQL infers its parameters' types; where it can't, as beside `now()`, it needs a
    CAST."""
    return Statement(sql, name)


def columns_of(table: FromClause) -> str:
    """All of a table's columns by name, for a statement to read or return."""
    return ", ".join(f'{table.name}."{column.name}"' for column in table.columns)  # type: ignore[attr-defined]


def row_of(table: FromClause) -> Any:
    """The type of a table's rows, for one that is in hand without being read; a column that isn't
    given is null."""
    names = [column.name for column in table.columns]
    return namedtuple("Row", names, defaults=[None] * len(names))


class Statement:
    """SQL with `:name` parameters. Raises what SQLAlchemy raises for any statement."""

    def __init__(self, sql: str, prepared_as: str | None = None) -> None:
        self._sql = sql
        self._name = prepared_as
        self._row: Any = None

    def all(self, within: Transaction, values: Mapping[str, Any] = _NO_VALUES) -> list[Row]:
        """Runs it; its rows."""
        found = self._run(_connection_of(within), values)
        return [self._row(*columns) for columns in found]

    def first(self, within: Transaction, values: Mapping[str, Any] = _NO_VALUES) -> Row | None:
        """Runs it; its first row, None where there is none."""
        rows = self.all(within, values)
        return rows[0] if rows else None

    def one(self, within: Transaction, values: Mapping[str, Any] = _NO_VALUES) -> Row:
        """Runs it; the row that there always is."""
        return self.all(within, values)[0]

    def scalar(self, within: Transaction, values: Mapping[str, Any] = _NO_VALUES) -> Any:
        """Runs it; the first row's first column, None where there is no row."""
        row = self.first(within, values)
        return row[0] if row is not None else None

    def later(self, within: Transaction, values: Mapping[str, Any] = _NO_VALUES) -> None:
        """Has it run, unasked for its rows, before the next statement or with the COMMIT, in whose
        round trip it goes (`common/trips.py`). What it raises is raised there."""
        self._run(_connection_of(within), values, is_asked=False)

    def _run(
        self, connection: Connection, values: Mapping[str, Any], *, is_asked: bool = True
    ) -> Sequence[Any]:
        pooled = connection.connection
        cursor = pooled.cursor()
        try:
            if self._name is not None:
                # lives as long as the connection itself; what was prepared outlasts a rollback
                done = pooled.info.setdefault("prepared", set())
                if self._name not in done:
                    _send(connection, cursor, cursor.execute, self._preparation, None)
                    done.add(self._name)
            if not is_asked:
                _send(connection, cursor, pooled.later, self._call, values)
                return []
            _send(connection, cursor, cursor.execute, self._call, values)
            if cursor.description is None:
                return []
            if self._row is None:
                names = [column[0] for column in cursor.description]
                self._row = namedtuple("Row", names, rename=True)  # type: ignore[misc]
            return cursor.fetchall()
        except BaseException as error:
            # wraps it, tells the listeners, and gives up a connection that was lost
            connection._handle_dbapi_exception(error, self._call, values, cursor, None)
            raise

    @cached_property
    def _body(self) -> str:
        """With psycopg2's `%(name)s` parameters."""
        return str(text(self._sql).compile(dialect=_DIALECT))

    @cached_property
    def _places(self) -> dict[str, int]:
        """The parameters, numbered in the order of their first use."""
        names = dict.fromkeys(_PARAMETER.findall(self._body))
        return {name: place for place, name in enumerate(names, start=1)}

    @cached_property
    def _call(self) -> str:
        """What is sent each time. SQL's own PREPARE and EXECUTE, for psycopg2 knows no other way
        (https://www.postgresql.org/docs/current/sql-prepare.html)."""
        if self._name is None:
            return self._body
        values = ", ".join(f"%({name})s" for name in self._places)
        return f"EXECUTE {self._name} ({values})" if values else f"EXECUTE {self._name}"

    @cached_property
    def _preparation(self) -> str:
        body = _PARAMETER.sub(lambda found: f"${self._places[found[1]]}", self._body)
        return f"PREPARE {self._name} AS {body.replace('%%', '%')}"


def _connection_of(within: Transaction) -> Connection:
    return within.connection() if isinstance(within, Session) else within


def _send(
    connection: Connection, cursor: Any, send: Callable[..., None], sql: str, values: Any
) -> None:
    if not connection.engine._has_events:
        send(sql, values)
        return
    connection.dispatch.before_cursor_execute(connection, cursor, sql, values, None, False)
    send(sql, values)
    connection.dispatch.after_cursor_execute(connection, cursor, sql, values, None, False)
