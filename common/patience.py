"""How long a process waits for PostgreSQL's answer: psycopg2 alone would wait for ever.

A network that swallows everything, or a server that is frozen, closes no connection: without a
limit each thread that asks would be lost. libpq has none, so the waiting is done here, in
psycopg2's wait callback (https://www.psycopg.org/docs/advanced.html#green-support), which closes
the connection of a wait that was given up. The callback is the process's: importing this file
sets it, and connections made otherwise wait as they always did.
"""

import select
import time

from psycopg2 import OperationalError
from psycopg2.extensions import POLL_OK, POLL_READ, connection, set_wait_callback

CONNECT_SECONDS = 3.0


class PatientConnection(connection):
    """A connection that is given up when an answer takes longer than `patience_seconds`.

    None: however long it takes.
    """

    patience_seconds: float | None = CONNECT_SECONDS


def _wait(waiting: connection) -> None:
    """Waits for the socket; raises OperationalError when the patience is over."""
    patience = getattr(waiting, "patience_seconds", None)
    gives_up_at = None if patience is None else time.monotonic() + patience
    while (state := waiting.poll()) != POLL_OK:
        poller = select.poll()
        poller.register(waiting.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
        left = None if gives_up_at is None else max(0.0, gives_up_at - time.monotonic()) * 1000
        if not poller.poll(left):
            raise OperationalError(f"PostgreSQL gave no answer within {patience:g} s")


set_wait_callback(_wait)
