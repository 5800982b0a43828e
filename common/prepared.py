"""Statements that PostgreSQL plans once a connection: planning a short one costs more than its run.

SQL's own PREPARE and EXECUTE (https://www.postgresql.org/docs/current/sql-prepare.html), for
psycopg2 knows no other way. A prepared statement names its columns: after a migration that adds
one, `RETURNING jobs.*` would fail on every connection that is open.
"""

import re
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, FromClause, TextClause, event, text
from sqlalchemy.engine import ExecutionContext

_PARAMETER = re.compile(r"%\((\w+)\)s")


def prepared(name: str, sql: str) -> TextClause:
    """The statement, to be prepared as `name` by each connection that `prepares` set up.

    PostgreSQL infers its parameters' types; where it can't, as beside `now()`, it needs a CAST.
    """
    return text(sql).execution_options(prepared_as=name)


def columns_of(table: FromClause) -> str:
    """All of a table's columns by name, for such a statement to read or return."""
    return ", ".join(f'{table.name}."{column.name}"' for column in table.columns)  # type: ignore[attr-defined]


def prepares(engine: Engine) -> None:
    """Has this engine's connections prepare such statements, each at its first use."""
    event.listen(engine, "before_cursor_execute", _execute_prepared, retval=True)


def _execute_prepared(
    connection: Connection,
    _cursor: Any,
    statement: str,
    parameters: Any,
    context: ExecutionContext | None,
    _many: bool,
) -> tuple[str, Any]:
    name = context.execution_options.get("prepared_as") if context else None
    if name is None:
        return statement, parameters
    body, call = _taken_apart(name, statement)
    # lives as long as the connection itself; what was prepared outlasts a rollback
    done = connection.info.setdefault("prepared", set())
    if name not in done:
        connection.exec_driver_sql(body)
        done.add(name)
    return call, parameters


@cache
def _taken_apart(name: str, statement: str) -> tuple[str, str]:
    """PREPARE and EXECUTE for a statement with psycopg2's `%(name)s` parameters."""
    places: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${places.setdefault(found[1], len(places) + 1)}"

    body = _PARAMETER.sub(number, statement)  # "%%" stays: psycopg2 makes "%" of it
    values = ", ".join(f"%({parameter})s" for parameter in places)
    return f"PREPARE {name} AS {body}", f"EXECUTE {name} ({values})"
