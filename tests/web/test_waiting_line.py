"""The snapshot of the line: read by one, taken by all."""

import threading

import pytest
from sqlalchemy import text

from common.db import Database
from tests.common.rows import come_online
from web import waiting_line
from web.waiting_line import WaitingLine


def test_nobody_waits_for_whoever_reads_the_line_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_line, "_FRESH_FOR_SECONDS", 0.0)
    line = WaitingLine()
    with database.transaction() as session:
        before = line.now(session)
        come_online(session, 10)

    def read_anew() -> None:
        with database.transaction() as session:
            line.now(session)

    reading = threading.Thread(target=read_anew)
    with database.transaction() as holding, database.transaction() as session:
        holding.execute(text("LOCK TABLE workers IN ACCESS EXCLUSIVE MODE"))
        reading.start()
        while not session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert reading.is_alive()

        assert line.now(session) is before  # it would wait for the table, too, if it read

    reading.join()
    assert (before.crew.slots, line.last.crew.slots) == (0, 10)
