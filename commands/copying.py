"""What backup and restore share: the tables, their order, a connection that can COPY, the file.

A backup is a zip of one file a table, as COPY writes it (text format, so that it can be read by any
PostgreSQL), and of manifest.json. No tool of PostgreSQL's is needed: pg_dump must be as new as the
server, and the image has none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from graphlib import TopologicalSorter
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import get_wait_callback, set_wait_callback
from psycopg2.sql import SQL, Composed, Identifier
from sqlalchemy.engine import make_url

from common.config import BaseConfig

MANIFEST = "manifest.json"
FORMAT = 1
# What is true of this moment only, or written by the migrations.
LEFT_OUT = frozenset({"workers", "alembic_version"})

_TABLES = """
    SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)
    FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND is_generated = 'NEVER'
    GROUP BY table_name ORDER BY table_name
"""
# A deferrable key is looked at when all is there, one within its table when that is.
_NEEDS = """
    SELECT child.relname, parent.relname
    FROM pg_constraint
    JOIN pg_class AS child ON child.oid = conrelid JOIN pg_class AS parent ON parent.oid = confrelid
    WHERE contype = 'f' AND NOT condeferrable AND conrelid <> confrelid
      AND pg_constraint.connamespace = current_schema()::regnamespace
"""


@dataclass(frozen=True)
class Table:
    """A table's columns, and how many rows of it were copied."""

    name: str
    columns: list[str]
    rows: int = 0

    @property
    def file(self) -> str:
        return f"{self.name}.copy"

    def copy(self, direction: str) -> Composed:
        """The statement: COPY … TO STDOUT or FROM STDIN."""
        columns = SQL(", ").join(map(Identifier, self.columns))
        return SQL("COPY {} ({}) " + direction).format(Identifier(self.name), columns)


@dataclass(frozen=True)
class Manifest:
    """What a backup holds, in the order in which it can be read back."""

    revision: str
    made_at: str
    tables: list[Table]
    format: int = FORMAT

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, content: dict[str, Any]) -> "Manifest":
        """Raises KeyError or TypeError for what is no manifest."""
        tables = [Table(**table) for table in content["tables"]]
        return cls(content["revision"], content["made_at"], tables, content["format"])


@contextmanager
def copying(config: BaseConfig) -> Iterator[Connection]:
    """A connection in one transaction, committed at the end. It waits as psycopg2 does alone:
    COPY can't be used with the house's wait callback (common/patience.py)."""
    url = make_url(config.DATABASE_URL).set(drivername="postgresql")
    patience = get_wait_callback()
    set_wait_callback(None)
    try:
        connection = psycopg2.connect(url.render_as_string(hide_password=False))
        try:
            with connection:
                yield connection
        finally:
            connection.close()
    finally:
        set_wait_callback(patience)


def tables_of(connection: Connection) -> list[Table]:
    """Those that are kept, each after the ones that its rows name."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        found = {name: Table(name, columns) for name, columns in cursor if name not in LEFT_OUT}
        needs: dict[str, set[str]] = {name: set() for name in found}
        cursor.execute(_NEEDS)
        for child, parent in cursor:
            if child in found:
                needs[child].add(parent)
    order = TopologicalSorter(needs).static_order()
    return [found[name] for name in order if name in found]
