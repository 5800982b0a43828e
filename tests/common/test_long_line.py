"""A line of thousands costs no more than a short one, counted in rows and not in seconds.

Each finish and each post looks for whoever is next, so a look that reads all that wait would make
a long line quadratic.
"""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from common import jobs, ringing
from common.db import Database
from common.machine import Status
from common.models import Job
from tests.common.rows import (
    ALICE,
    claim,
    come_online,
    make_conversation,
    make_user,
    post,
    queue_many,
)
from web.waiting_line import WaitingLine

RING_TIMEOUT = timedelta(seconds=30)
MANY, SLOTS = 3000, 16
TAKEN = SLOTS - 2
# Each statement counts what is under way; a pick is two statements, a post's three.
FEW = 5 * SLOTS


def jobs_read(session: Session) -> int:
    """How many rows of `jobs` this transaction has read so far, by whatever plan."""
    read = """
        SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'jobs'
    """
    return int(session.execute(text(read)).scalar_one())


def read_by(session: Session, act: Callable[[], object]) -> int:
    """How many of them `act` reads."""
    session.flush()
    before = jobs_read(session)
    act()
    return jobs_read(session) - before


def rung(session: Session) -> list[uuid.UUID]:
    return [doorbell.job_id for doorbell in ringing.pick(session, RING_TIMEOUT)]


def start_all(session: Session) -> list[uuid.UUID]:
    """Fills the slots; what runs then."""
    ids = rung(session)
    for job_id in ids:
        assert claim(session, job_id) is not None
    return ids


@pytest.fixture
def running(session: Session) -> list[uuid.UUID]:
    """Every slot that Alice may have is hers, and thousands of hers wait."""
    come_online(session, SLOTS)
    queue_many(session, ALICE, MANY)
    running = start_all(session)
    everybody = select(func.count()).where(Job.status == Status.QUEUED)
    assert read_by(session, lambda: session.scalar(everybody)) >= MANY - SLOTS
    return running


def test_a_pick_reads_few_rows_however_many_wait(
    session: Session, running: list[uuid.UUID]
) -> None:
    assert read_by(session, lambda: rung(session)) < FEW
    jobs.complete(session, running[0], 1, jobs.NOTHING_SAID)
    picked: list[uuid.UUID] = []

    assert read_by(session, lambda: picked.extend(rung(session))) < FEW

    assert len(picked) == 1


def test_a_post_reads_few_rows_however_many_wait(
    session: Session, running: list[uuid.UUID]
) -> None:
    (posted,) = queue_many(session, make_user(session, "bob"), 1)
    bells: list[ringing.Doorbell] = []

    def ring() -> None:
        bells.extend(ringing.pick_after_post(session, posted, RING_TIMEOUT))

    assert read_by(session, ring) < FEW

    assert [doorbell.job_id for doorbell in bells] == [posted]


def test_the_line_is_read_no_further_than_it_is_shown(
    session: Session, running: list[uuid.UUID]
) -> None:
    for job_id in running[:4]:
        jobs.complete(session, job_id, 1, jobs.NOTHING_SAID)
    line = WaitingLine()

    assert read_by(session, lambda: line.now(session)) < 2 * ringing.PLACES_SHOWN

    assert len(line.now(session).places) == ringing.PLACES_SHOWN
    assert line.now(session).mean_run_ms is not None


@pytest.mark.parametrize("was_believed", ["nobody waits", "everybody waits"])
def test_no_belief_of_the_planner_makes_a_pick_read_more(
    database: Database, was_believed: str
) -> None:
    with database.transaction() as session:
        queue_many(session, ALICE, MANY)
        if was_believed == "nobody waits":
            session.execute(text("UPDATE jobs SET status = 'completed', finished_at = now()"))
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("ANALYZE")
    with database.transaction() as session:
        come_online(session, SLOTS)
        session.execute(text("UPDATE jobs SET status = 'completed', finished_at = now()"))
        queue_many(session, make_user(session, "bob"), MANY)
        running = start_all(session)
        assert len(running) == TAKEN
        jobs.complete(session, running[0], 1, jobs.NOTHING_SAID)

        assert read_by(session, lambda: rung(session)) < FEW


def test_turns_that_wait_for_a_reply_are_not_read(session: Session) -> None:
    come_online(session, SLOTS)
    for _ in range(SLOTS):
        post(session, make_conversation(session))
    reply = post(session).job.reply_message_id
    waiting = queue_many(session, ALICE, MANY)
    session.execute(update(Job).where(Job.id.in_(waiting)).values(waits_for=reply))
    session.execute(text("ANALYZE jobs"))
    running = start_all(session)
    assert len(running) == TAKEN

    assert read_by(session, lambda: rung(session)) < FEW
    jobs.complete(session, running[0], 1, jobs.NOTHING_SAID)
    picked: list[uuid.UUID] = []
    assert read_by(session, lambda: picked.extend(rung(session))) < FEW

    assert len(picked) == 1
