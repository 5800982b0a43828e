"""Cancelling: at once while it waits, by its worker while it runs, by its owner only."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func
from sqlalchemy.orm import Session

from common import jobs
from common.db import Database
from common.jobs import Said, Usage
from common.machine import Status
from tests.common.rows import (
    ALICE,
    holds,
    job_row,
    make_user,
    now,
    post,
    put,
    put_in,
    reply_row,
    running,
)

SECOND = timedelta(seconds=1)
SAID = Said(text="¡Hola!", token_count=2, usage=Usage(11, 2))


def test_a_cancel_keeps_what_was_said_and_its_usage(session: Session) -> None:
    job_id = running(session)
    jobs.ask_to_cancel(session, job_id, ALICE)

    jobs.cancel(session, job_id, 1, SAID)

    row = job_row(session, job_id)
    holds(row, status="cancelled", error=None, failures=0, finished_at=now(session))
    holds(row, input_tokens=11, output_tokens=2, lease_owner=None, lease_expires_at=None)
    holds(reply_row(session, job_id), status="incomplete", content="¡Hola!", token_count=2)


def test_a_waiting_job_that_is_cancelled_ends_with_an_empty_incomplete_reply(
    session: Session,
) -> None:
    job_id = post(session).job.id
    put(session, job_id, rung_at=func.now(), not_before=func.now())

    job = jobs.ask_to_cancel(session, job_id, ALICE)

    assert job is not None
    time = now(session)
    row = job_row(session, job_id)
    holds(row, status="cancelled", cancel_requested_at=time, finished_at=time, attempts=[])
    holds(row, rung_at=None, not_before=None, input_tokens=None)
    holds(reply_row(session, job_id), status="incomplete", content="")


def test_asking_twice_changes_nothing_more(session: Session) -> None:
    job_id = running(session)
    put(session, job_id, cancel_requested_at=func.now() - SECOND)
    before = job_row(session, job_id)

    job = jobs.ask_to_cancel(session, job_id, ALICE)

    assert job is not None
    assert job.status == Status.IN_PROGRESS
    assert job_row(session, job_id) == before


@pytest.mark.parametrize("status", [Status.QUEUED, Status.IN_PROGRESS])
def test_bob_can_not_cancel_alices_job(session: Session, status: Status) -> None:
    job_id = post(session).job.id
    put_in(session, job_id, status)
    before = job_row(session, job_id), reply_row(session, job_id)

    assert jobs.ask_to_cancel(session, job_id, make_user(session, f"bob {status}")) is None

    assert (job_row(session, job_id), reply_row(session, job_id)) == before
    assert jobs.ask_to_cancel(session, job_id, ALICE) is not None


def test_a_cancel_finds_a_job_that_is_requeued_while_it_is_being_asked(
    shared_database: Database,
) -> None:
    with shared_database.transaction() as session:
        job_id = running(session)

    def requeue() -> None:
        with shared_database.transaction() as session:
            jobs.requeue(session, job_id, 1, outcome="upstream_timeout", wait=timedelta(0))

    with after_each_update_of_jobs(shared_database, requeue) as worker:
        with shared_database.transaction() as session:
            jobs.ask_to_cancel(session, job_id, ALICE)
        worker.join()

    with shared_database.transaction() as session:
        assert job_row(session, job_id)["status"] == "cancelled"


@contextmanager
def after_each_update_of_jobs(
    database: Database, meanwhile: Callable[[], None]
) -> Iterator[threading.Thread]:
    """Runs `meanwhile` once, in another thread, when this thread's first UPDATE is through.

    It is waited for a moment only: the row may be locked until this thread commits.
    """
    thread = threading.Thread(target=meanwhile)
    me = threading.get_ident()

    def begin(*arguments: Any) -> None:
        first = threading.get_ident() == me and "UPDATE jobs" in arguments[2]
        if first and thread.ident is None:
            thread.start()
            thread.join(0.3)

    event.listen(database.engine, "after_cursor_execute", begin)
    try:
        yield thread
    finally:
        event.remove(database.engine, "after_cursor_execute", begin)
