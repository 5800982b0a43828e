"""Counting what is sent to the database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from common.db import Database


@contextmanager
def statements(
    *databases: Database | Engine, by: threading.Thread | None = None
) -> Iterator[list[str]]:
    """The SQL that is sent to them meanwhile (`by` this thread), one entry a statement; not what a
    connection prepares once, which depends on which one a thread was given."""
    sent: list[str] = []
    engines = [one if isinstance(one, Engine) else one.engine for one in databases]

    def note(*arguments: Any) -> None:
        is_counted = by is None or threading.current_thread() is by
        if is_counted and not arguments[2].startswith("PREPARE "):
            sent.append(arguments[2])

    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
