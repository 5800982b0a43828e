"""Counting what an application sends to the database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from tests.common.statements import statements
from web.database import db, looks


@contextmanager
def sql_of(app: Flask) -> Iterator[list[str]]:
    """The SQL of its sessions and its looks in this thread meanwhile, one entry a statement."""
    with app.app_context():
        engines = db.engine, looks()
    with statements(*engines, by=threading.current_thread()) as sent:
        yield sent
