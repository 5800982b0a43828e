"""The snapshot of the line: read by one, taken by all."""

import threading
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from common.config import TestingConfig
from common.db import Database
from tests.common.rows import come_online
from tests.web.people import nobody
from web import waiting_line
from web.create_app import create_app
from web.database import LOOKING_CONNECTIONS, looks
from web.waiting_line import WaitingLine


def test_nobody_waits_for_whoever_reads_the_line_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_line, "_FRESH_FOR_SECONDS", 0.0)
    line = WaitingLine(database.engine)
    before = line.now()
    with database.transaction() as session:
        come_online(session, 10)

    reading = threading.Thread(target=line.now)
    with database.transaction() as holding, database.transaction() as session:
        holding.execute(text("LOCK TABLE workers IN ACCESS EXCLUSIVE MODE"))
        reading.start()
        while not session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert reading.is_alive()

        assert line.now() is before  # it would wait for the table, too, if it read

    reading.join()
    assert (before.crew.slots, line.last.crew.slots) == (0, 10)


def test_a_poll_holds_no_connection_while_the_line_is_read(config: TestingConfig) -> None:
    someone = nobody(create_app(config))
    job = someone.say(someone.converse()["id"])["job"]["id"]
    someone.app.extensions["epicode"].line._line = None
    with someone.app.app_context():
        engine = looks()

    with ExitStack() as others:  # all of them but one are taken
        for _ in range(LOOKING_CONNECTIONS - 1):
            others.enter_context(engine.connect())
        assert someone.poll(job)["queue"]["position"] == 1


def test_while_it_cant_be_read_anew_the_last_line_holds(
    config: TestingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_line, "_FRESH_FOR_SECONDS", 0.0)
    database = Database(config.DATABASE_URL, pool_size=1, wait_seconds=0.1)
    line = WaitingLine(database.engine)
    before = line.now()

    with database.engine.connect():  # the only connection
        assert line.now() is before
    assert line.now() is not before
    database.close()
