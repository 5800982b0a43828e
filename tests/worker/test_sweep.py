"""The sweep: what lost its worker, waited too long or outlived its deadline is healed, once."""

import subprocess
import uuid
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from common import idempotency, jobs, ringing, workers
from common.config import BaseConfig
from common.db import Database
from common.idempotency import Key, Made
from common.live_log import LiveLog
from common.machine import Status
from common.models import IdempotencyKey, Worker
from tests.common.at_once import at_once
from tests.common.rows import (
    ALICE,
    come_online,
    job_row,
    make_conversation,
    post,
    put,
    put_in,
    queue_many,
    reply_row,
)
from worker.place import this_place
from worker.sweep import Sweep

SECOND = timedelta(seconds=1)


@pytest.fixture
def live_log(config: BaseConfig) -> Iterator[LiveLog]:
    live_log = LiveLog.connect(config.REDIS_URL)
    yield live_log
    live_log.close()


@pytest.fixture
def rings() -> list[None]:
    """One entry each time that the sweep rang."""
    return []


@pytest.fixture
def sweep(database: Database, live_log: LiveLog, config: BaseConfig, rings: list[None]) -> Sweep:
    return Sweep(database, live_log, lambda: rings.append(None), config)


def lost(session: Session, *, failures: int = 0, lapsed: bool = True) -> uuid.UUID:
    """A job in its second attempt whose lease has lapsed a second ago."""
    job_id = post(session).job.id
    put_in(session, job_id, Status.IN_PROGRESS, attempt=2)
    put(session, job_id, failures=failures)
    if lapsed:
        put(session, job_id, lease_expires_at=func.now() - SECOND)
    return job_id


def rows(database: Database, job_id: uuid.UUID) -> tuple[dict[str, Any], dict[str, Any]]:
    with database.transaction() as session:
        return job_row(session, job_id), reply_row(session, job_id)


def test_a_job_whose_lease_lapsed_gets_another_attempt_at_once(
    database: Database, sweep: Sweep, live_log: LiveLog
) -> None:
    with database.transaction() as session:
        job_id = lost(session)
    live_log.rewrite(job_id, 2, b"half a repl")

    sweep.sweep()

    job, reply = rows(database, job_id)
    assert (job["status"], job["failures"], job["attempt"]) == ("queued", 1, 2)
    assert job["attempts"][-1]["outcome"] == "worker_lost"
    assert (reply["status"], reply["content"]) == ("pending", "")
    with database.transaction() as session:
        claimed = jobs.claim(session, job_id, owner="w", lease=SECOND, budget=SECOND)
        assert claimed is not None
        assert claimed.attempt == 3


def test_a_lease_that_holds_is_left_alone(database: Database, sweep: Sweep) -> None:
    with database.transaction() as session:
        job_id = lost(session, lapsed=False)
    before = rows(database, job_id)

    sweep.sweep()

    assert rows(database, job_id) == before


def test_when_the_failures_are_spent_it_fails_keeping_what_was_said(
    database: Database, sweep: Sweep, live_log: LiveLog, config: BaseConfig
) -> None:
    with database.transaction() as session:
        job_id = lost(session, failures=config.EPICODE_MAX_FAILURES - 1)
    live_log.rewrite(job_id, 2, "Una cola es…".encode())

    sweep.sweep()

    job, reply = rows(database, job_id)
    assert (job["status"], job["failures"]) == ("failed", config.EPICODE_MAX_FAILURES)
    assert job["error"] == {"code": "worker_lost", "params": {"failures": 3}, "retryable": True}
    assert (reply["status"], reply["content"]) == ("failed", "Una cola es…")
    assert reply["token_count"] > 0


@pytest.mark.parametrize("failures", [0, 2])
def test_a_cancel_that_its_worker_never_saw_is_carried_out(
    database: Database, sweep: Sweep, live_log: LiveLog, failures: int
) -> None:
    with database.transaction() as session:
        job_id = lost(session, failures=failures)
        jobs.ask_to_cancel(session, job_id, ALICE)
    live_log.rewrite(job_id, 2, b"as far as it came")

    sweep.sweep()

    job, reply = rows(database, job_id)
    assert (job["status"], job["error"], job["failures"]) == ("cancelled", None, failures)
    assert (reply["status"], reply["content"]) == ("incomplete", "as far as it came")


def test_what_redis_lost_is_lost_and_the_job_ends_all_the_same(
    database: Database, config: BaseConfig, rings: list[None]
) -> None:
    with database.transaction() as session:
        job_id = lost(session, failures=2)
    nowhere = LiveLog.connect("redis://127.0.0.1:1/0")

    Sweep(database, nowhere, lambda: rings.append(None), config).sweep()

    job, reply = rows(database, job_id)
    assert (job["status"], reply["status"], reply["content"]) == ("failed", "failed", "")
    assert len(rings) == 1


def test_a_damaged_live_log_does_not_keep_its_job_from_ending(
    database: Database, sweep: Sweep, live_log: LiveLog
) -> None:
    with database.transaction() as session:
        job_id = lost(session, failures=2)
    live_log.rewrite(job_id, 2, "so far\0 señ".encode()[:-1] + b"\xf0\x9f")

    sweep.sweep()

    job, reply = rows(database, job_id)
    assert (job["status"], reply["content"]) == ("failed", "so far se")


def test_a_lost_job_whose_deadline_has_passed_is_not_tried_again(
    database: Database, sweep: Sweep, live_log: LiveLog
) -> None:
    with database.transaction() as session:
        job_id = lost(session)
        put(session, job_id, deadline_at=func.now() - SECOND)
    live_log.rewrite(job_id, 2, b"late")

    sweep.sweep()

    job, reply = rows(database, job_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "deadline_exceeded")
    assert job["attempts"][-1]["outcome"] == "worker_lost"
    assert reply["content"] == "late"


def test_a_job_that_outlives_its_deadline_by_a_lease_is_ended_under_its_worker(
    database: Database, sweep: Sweep, live_log: LiveLog, config: BaseConfig
) -> None:
    grace = timedelta(seconds=config.EPICODE_LEASE_SECONDS)
    with database.transaction() as session:
        overdue, just_late = lost(session, lapsed=False), lost(session, lapsed=False)
        put(session, overdue, deadline_at=func.now() - grace - SECOND)
        put(session, just_late, deadline_at=func.now() - grace / 2)
    live_log.rewrite(overdue, 2, b"still talking")

    sweep.sweep()

    job, reply = rows(database, overdue)
    assert (job["status"], job["error"]["code"]) == ("failed", "deadline_exceeded")
    assert reply["content"] == "still talking"
    assert rows(database, just_late)[0]["status"] == "in_progress"


def test_a_job_that_nobody_took_for_a_day_expires(
    database: Database, sweep: Sweep, config: BaseConfig
) -> None:
    day = timedelta(seconds=config.EPICODE_WAITING_SECONDS)
    with database.transaction() as session:
        old, young = (post(session).job.id for _ in range(2))
        put(session, old, queued_at=func.now() - day - SECOND)
        put(session, young, queued_at=func.now() - day + timedelta(minutes=1))

    sweep.sweep()

    job, reply = rows(database, old)
    assert (job["status"], job["error"]["code"]) == ("failed", "expired")
    assert (reply["status"], reply["content"]) == ("failed", "")
    assert rows(database, young)[0]["status"] == "queued"


def test_a_job_that_waits_for_another_attempt_ends_at_its_deadline(
    database: Database, sweep: Sweep
) -> None:
    with database.transaction() as session:
        job_id = post(session).job.id
        put(session, job_id, attempt=1, deadline_at=func.now() - SECOND)

    sweep.sweep()

    assert rows(database, job_id)[0]["error"]["code"] == "deadline_exceeded"


@pytest.mark.parametrize("failures", [0, 2])
def test_readers_of_a_job_that_was_taken_from_its_worker_are_sent_to_the_database(
    database: Database, sweep: Sweep, live_log: LiveLog, failures: int
) -> None:
    with database.transaction() as session:
        rescued, overdue = lost(session, failures=failures), lost(session, lapsed=False)
        put(session, overdue, deadline_at=func.now() - timedelta(hours=1))
    live_log.show([(job_id, 2, ALICE, {}) for job_id in (rescued, overdue)])

    sweep.sweep()

    assert live_log.read(rescued, ALICE, None) is None
    assert live_log.read(overdue, ALICE, None) is None


def test_a_turn_is_released_when_the_sweep_ends_the_reply_before_it(
    database: Database, sweep: Sweep
) -> None:
    with database.transaction() as session:
        conversation = make_conversation(session)
        first = post(session, conversation)
        put_in(session, first.job.id, Status.IN_PROGRESS)
        put(session, first.job.id, failures=2, lease_expires_at=func.now() - SECOND)
        second = post(session, conversation)
        come_online(session, 4)

    sweep.sweep()

    with database.transaction() as session:
        assert [doorbell.job_id for doorbell in ringing.pick(session, SECOND)] == [second.job.id]


def test_two_sweeps_at_once_do_everything_once(
    database: Database, live_log: LiveLog, config: BaseConfig
) -> None:
    with database.transaction() as session:
        retried = [lost(session) for _ in range(8)]
        ended = [lost(session, failures=2) for _ in range(4)]
        expired = queue_many(session, ALICE, 4)
        for job_id in expired:
            put(session, job_id, queued_at=func.now() - timedelta(days=2))
    sweeps = [Sweep(database, live_log, lambda: None, config) for _ in range(3)]

    at_once(Sweep.sweep, sweeps)

    for job_ids, status, failures, attempts in (
        (retried, "queued", 1, 1),
        (ended, "failed", 3, 1),
        (expired, "failed", 0, 0),
    ):
        for job_id in job_ids:
            job, _ = rows(database, job_id)
            told = (job["status"], job["failures"], len(job["attempts"]))
            assert told == (status, failures, attempts)


def test_a_row_that_another_sweep_is_holding_is_not_waited_for(
    database: Database, sweep: Sweep
) -> None:
    with database.transaction() as session:
        held, free = lost(session), lost(session)
    with database.transaction() as holder:
        holder.execute(text("SELECT 1 FROM jobs WHERE id = :id FOR UPDATE"), {"id": held})

        sweep.sweep()

    assert rows(database, held)[0]["status"] == "in_progress"
    assert rows(database, free)[0]["status"] == "queued"


@pytest.mark.skipif(this_place() is None, reason="this system doesn't tell where a process lives")
def test_a_neighbour_that_is_gone_loses_its_jobs_before_their_leases_lapse(
    database: Database, sweep: Sweep
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    with database.transaction() as session:
        report(session, "worker-1@host", gone.pid, this_place())
        report(session, "worker-2@far", gone.pid, "another boot/pid:[1]")
        near, far = lost(session, lapsed=False), lost(session, lapsed=False)
        put(session, near, lease_owner=workers.lease_owner("worker-1@host", gone.pid))
        put(session, far, lease_owner=workers.lease_owner("worker-2@far", gone.pid))

    sweep.sweep()

    assert rows(database, near)[0]["status"] == "queued"
    assert rows(database, far)[0]["status"] == "in_progress"
    with database.transaction() as session:
        assert list(session.scalars(select(Worker.name))) == ["worker-2@far"]


def report(session: Session, name: str, pid: int, place: str | None) -> None:
    queues = ["background", "interactive"]
    workers.report(session, name=name, pid=pid, slots=4, busy=1, queues=queues, place=place)


def test_each_pass_rings(sweep: Sweep, rings: list[None]) -> None:
    sweep.sweep()
    sweep.sweep()

    assert len(rings) == 2


@pytest.mark.parametrize("uptime", [5.0, 1e6])
def test_the_first_pass_tidies_up_and_the_next_ones_do_not(
    database: Database, sweep: Sweep, monkeypatch: pytest.MonkeyPatch, uptime: float
) -> None:
    monkeypatch.setattr("worker.sweep.time", SimpleNamespace(monotonic=lambda: uptime))
    put_old_rows(database, "first")

    sweep.sweep()
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 0
        assert session.scalar(select(func.count()).select_from(Worker)) == 0
    put_old_rows(database, "second")

    sweep.sweep()

    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 1


def put_old_rows(database: Database, key: str) -> None:
    with database.transaction() as session:
        idempotency.take(session, Key(ALICE, key, b"mark", Made()))
        come_online(session, 1)
        session.execute(update(IdempotencyKey).values(created_at=func.now() - timedelta(days=31)))
        session.execute(update(Worker).values(seen_at=func.now() - timedelta(hours=2)))
