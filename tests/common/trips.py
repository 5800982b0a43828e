"""Counting the round trips to the database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2.extensions import connection, get_wait_callback, set_wait_callback


@contextmanager
def round_trips() -> Iterator[list[connection]]:
    """Those that this thread makes meanwhile: the connection of each."""
    waits, here = get_wait_callback(), threading.current_thread()
    made: list[connection] = []

    def note(waiting: connection) -> None:
        if threading.current_thread() is here:
            made.append(waiting)
        waits(waiting)

    set_wait_callback(note)
    try:
        yield made
    finally:
        set_wait_callback(waits)
