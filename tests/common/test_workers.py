"""Which workers are online."""

from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from common import workers
from common.db import Database
from common.models import Worker
from common.workers import ONLINE_FOR, Crew
from tests.common.rows import come_online


def names(database: Database) -> set[tuple[str, int]]:
    with database.transaction() as session:
        return {(row.name, row.pid) for row in session.execute(select(Worker.name, Worker.pid))}


def was_seen(database: Database, *, seconds_ago: int) -> None:
    ago = timedelta(seconds=seconds_ago)
    with database.transaction() as session:
        session.execute(update(Worker).values(seen_at=func.now() - ago))


def test_nobody_is_online_at_first(session: Session) -> None:
    assert workers.crew(session) == Crew(online=0, busy=0, slots=0)


def test_the_crew_counts_processes_their_slots_and_who_is_full(session: Session) -> None:
    come_online(session, 4, name="worker-1@host", busy=4)
    come_online(session, 6, name="worker-2@host", busy=5)

    assert workers.crew(session) == Crew(online=2, busy=1, slots=10)


def test_a_report_renews_the_row_of_its_process(database: Database) -> None:
    with database.transaction() as session:
        come_online(session, 4)
    with database.transaction() as session:
        come_online(session, 3, busy=2)

        row = session.scalars(select(Worker)).one()

        assert (row.slots, row.busy, row.queues) == (3, 2, ["background", "interactive"])
        assert row.seen_at == session.scalar(select(func.now()))


def test_two_workers_with_one_name_are_two(session: Session) -> None:
    come_online(session, 4, name="celery@host", pid=1)
    come_online(session, 4, name="celery@host", pid=2)

    assert workers.crew(session).online == 2


def test_a_worker_is_online_for_15_seconds_after_it_was_seen(database: Database) -> None:
    assert ONLINE_FOR.total_seconds() == 15
    with database.transaction() as session:
        come_online(session, 4)

    was_seen(database, seconds_ago=14)
    with database.transaction() as session:
        assert workers.crew(session).online == 1

    was_seen(database, seconds_ago=16)
    with database.transaction() as session:
        assert workers.crew(session) == Crew(0, 0, 0)


def test_a_worker_that_signs_off_is_gone_and_no_other(database: Database) -> None:
    with database.transaction() as session:
        come_online(session, 4, name="celery@host", pid=1)
        come_online(session, 4, name="celery@host", pid=2)

        workers.sign_off(session, name="celery@host", pid=1)

    assert names(database) == {("celery@host", 2)}


def test_the_rows_of_the_dead_are_dropped_after_an_hour(database: Database) -> None:
    with database.transaction() as session:
        come_online(session, 4, name="dead@host")
    was_seen(database, seconds_ago=3660)
    with database.transaction() as session:
        come_online(session, 4, name="alive@host")

        workers.forget_lost(session)

    assert names(database) == {("alive@host", 1)}


def test_neighbours_are_those_of_the_same_place(session: Session) -> None:
    for pid, place in ((1, "here"), (2, "here"), (3, "there"), (4, None)):
        workers.report(session, name="w@host", pid=pid, slots=1, busy=0, queues=[], place=place)

    assert set(workers.neighbours(session, "here")) == {("w@host", 1), ("w@host", 2)}


def test_a_job_names_its_holder_so_that_processes_with_one_name_differ() -> None:
    assert workers.lease_owner("celery@host", 41) != workers.lease_owner("celery@host", 42)
