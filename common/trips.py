"""Fewer round trips to PostgreSQL: what psycopg2 sends alone goes with something else.

BEGIN goes with a transaction's first statement, a statement whose answer nobody needs with the next
one, and the last of those with COMMIT. PostgreSQL runs what stands in one string one by one, each
seeing what the one before it did, and after an error nothing of the rest
(https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT). To
psycopg2 the connection is one that commits by itself; to everybody else it is as any other.
"""

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from psycopg2 import NotSupportedError, OperationalError
from psycopg2.extensions import (
    ISOLATION_LEVEL_AUTOCOMMIT,
    TRANSACTION_STATUS_IDLE,
    cursor,
)

from common.patience import PatientConnection


def connecting(patience_seconds: float | None) -> Callable[..., "FrugalConnection"]:
    """The `connection_factory` of connections with that patience, once they are open."""

    def connect(dsn: str, **options: Any) -> FrugalConnection:
        made = FrugalConnection(dsn, **options)
        made.patience_seconds = patience_seconds
        made.autocommit = True
        made.cursor_factory = _Cursor
        return made

    return connect


class FrugalConnection(PatientConnection):
    """A connection whose transactions cost no round trip of their own. Without savepoints: what is
    outstanding goes with whatever comes next, be it the way back to one."""

    # whether each statement is a transaction of its own
    _stands_alone = False
    # whether something that was to be in this transaction never reached the server
    _is_broken = False

    def __init__(self, dsn: str, **options: Any) -> None:
        super().__init__(dsn, **options)
        self._outstanding: list[bytes] = []

    def later(self, sql: str, values: Any = None) -> None:
        """Has it run before whatever runs next, at the latest by COMMIT; what it raises is raised
        there. Where each statement stands alone, that is at once."""
        with self.cursor() as unasked:
            if self._stands_alone:
                unasked.execute(sql, values)
            else:
                self._outstanding.append(unasked.mogrify(sql, values))

    def commit(self) -> None:
        """Sends what is outstanding with COMMIT. Whatever it raises, the transaction is over:
        OperationalError if PostgreSQL rolled it back."""
        if self._is_idle and not self._outstanding and not self._is_broken:
            return
        try:
            with self.cursor() as last:
                last.execute("COMMIT")
                if last.statusmessage != "COMMIT":
                    raise OperationalError("the transaction had failed, and was rolled back")
        except BaseException:
            if not self.closed:
                self.rollback()
            raise

    def rollback(self) -> None:
        """Forgets what is outstanding."""
        self._outstanding.clear()
        self._is_broken = False
        if not self._is_idle:
            with self.cursor() as last:
                last.execute("ROLLBACK")

    def set_isolation_level(self, level: int | None) -> None:
        """Knows two: the server's own, and that each statement stands alone."""
        self._stands_alone = level == ISOLATION_LEVEL_AUTOCOMMIT

    def outstanding(self) -> list[bytes]:
        """What is to be sent before the next statement. OperationalError in a transaction of which
        something got lost, until it is rolled back."""
        if self._is_broken:
            raise OperationalError("the transaction has failed: nothing of it can be committed")
        begins = self._is_idle and not self._stands_alone
        return [b"BEGIN", *self._outstanding] if begins else self._outstanding

    def sent(self, *, whole: bool) -> None:
        """What was outstanding is the server's. Not `whole`: it raised, and where PostgreSQL knows
        of no transaction then, what went with it is lost."""
        self._outstanding.clear()
        self._is_broken = not whole and not self.closed and self._is_idle

    @property
    def _is_idle(self) -> bool:
        """Whether PostgreSQL knows of no transaction. Costs no round trip."""
        return bool(self.get_transaction_status() == TRANSACTION_STATUS_IDLE)


class _Cursor(cursor):  # type: ignore[misc]
    connection: FrugalConnection

    def execute(self, sql: Any, values: Any = None) -> None:
        before = self.connection.outstanding()
        if not before:
            super().execute(sql, values)
            return
        # what can't be written out stops here, and all stays outstanding
        whole = b"\n;\n".join([*before, self.mogrify(sql, values)])
        try:
            super().execute(whole)
        except BaseException:
            self.connection.sent(whole=False)
            raise
        self.connection.sent(whole=True)

    def executemany(self, sql: Any, values: Iterable[Any]) -> None:
        """psycopg2's own, which goes past `execute`: what comes before it is sent alone."""
        if self.connection.outstanding():
            self.execute("SELECT")
        super().executemany(sql, values)

    def callproc(self, *_: Any) -> NoReturn:
        raise NotSupportedError("it would go past the transaction")

    copy_expert = copy_from = copy_to = callproc
