"""Claims and leases: who may take a job, what it writes, and who keeps it."""

from datetime import timedelta

import pytest
from sqlalchemy import func
from sqlalchemy.orm import Session

from common import catalogue, jobs
from common.db import Database
from common.jobs import Said
from tests.common.at_once import at_once
from tests.common.rows import (
    ALICE,
    BUDGET,
    LEASE,
    MODEL,
    claim,
    holds,
    job_row,
    make_conversation,
    now,
    post,
    put,
    reply_row,
    running,
)
from tests.common.statements import statements

SECOND = timedelta(seconds=1)
ERROR = {"code": "invalid_api_key", "params": {}, "retryable": False}
SAID = Said(text="¡Hola!")


def test_a_claim_counts_the_attempt_and_sets_lease_and_deadline(
    session: Session,
) -> None:
    job_id = post(session).job.id
    put(session, job_id, rung_at=func.now())

    job = claim(session, job_id, "worker-7@host")

    assert job is not None
    time = now(session)
    holds(
        job_row(session, job_id),
        attempt=1,
        failures=0,
        lease_owner="worker-7@host",
        lease_expires_at=time + LEASE,
        deadline_at=time + BUDGET,
        started_at=time,
        rung_at=None,
        not_before=None,
        finished_at=None,
        attempts=[],
    )


def test_another_claim_keeps_the_deadline_and_forgets_what_the_last_attempt_sent(
    session: Session,
) -> None:
    job_id = running(session)
    jobs.note_window(session, job_id, 1, {"used": 5})
    put(session, job_id, deadline_at=func.now() + 7 * SECOND, first_token_at=func.now())
    jobs.requeue(session, job_id, 1, outcome="upstream_timeout", wait=timedelta(0))

    claim(session, job_id)

    holds(
        job_row(session, job_id),
        attempt=2,
        deadline_at=now(session) + 7 * SECOND,
        window=None,
        first_token_at=None,
        not_before=None,
    )


def test_a_job_whose_wait_is_not_over_is_not_claimed(session: Session) -> None:
    job_id = post(session).job.id
    put(session, job_id, not_before=func.now() + SECOND)
    assert claim(session, job_id) is None

    put(session, job_id, not_before=func.now())

    assert claim(session, job_id) is not None


def test_a_job_of_a_paused_model_is_not_claimed_until_the_pause_is_over(
    session: Session,
) -> None:
    job_id = post(session).job.id
    other = post(session, model="o4-mini").job.id
    catalogue.pause(session, MODEL, SECOND)
    assert claim(session, job_id) is None
    assert claim(session, other) is not None

    session.connection().exec_driver_sql("UPDATE models SET paused_until = now()")

    assert claim(session, job_id) is not None


@pytest.mark.parametrize("ending", ["completed", "incomplete", "failed"])
def test_a_turn_waits_for_the_reply_that_it_hangs_from_however_that_ends(
    session: Session, ending: str
) -> None:
    conversation = make_conversation(session)
    first = post(session, conversation)
    second = post(session, conversation)
    assert claim(session, second.job.id) is None
    claim(session, first.job.id)
    assert claim(session, second.job.id) is None

    match ending:
        case "completed":
            jobs.complete(session, first.job.id, 1, SAID)
        case "incomplete":
            jobs.ask_to_cancel(session, first.job.id, ALICE)
            jobs.cancel(session, first.job.id, 1)
        case "failed":
            jobs.fail(session, first.job.id, 1, ERROR)

    assert reply_row(session, first.job.id)["status"] == ending
    assert claim(session, second.job.id) is not None


def test_siblings_never_wait_for_each_other(session: Session) -> None:
    conversation = make_conversation(session)
    root = conversation.head_message_id
    first = post(session, conversation, parent_id=root)
    edited = post(session, conversation, parent_id=root)

    assert claim(session, first.job.id) is not None
    assert claim(session, edited.job.id) is not None


def test_of_twenty_claims_at_once_exactly_one_wins(shared_database: Database) -> None:
    with shared_database.transaction() as session:
        job_id = post(session).job.id
    won: list[str] = []

    def try_it(owner: str) -> None:
        with shared_database.transaction() as session:
            if claim(session, job_id, owner) is not None:
                won.append(owner)

    at_once(try_it, [f"worker-{number}@host" for number in range(20)])

    with shared_database.transaction() as session:
        assert len(won) == 1
        holds(job_row(session, job_id), attempt=1, lease_owner=won[0])


def test_a_renewal_moves_the_leases_that_hold_and_tells_of_cancels(
    session: Session,
) -> None:
    mine, asked, lost, ended = (running(session, attempt=3) for _ in range(4))
    jobs.ask_to_cancel(session, asked, ALICE)
    jobs.complete(session, ended, 3, SAID)
    put(session, lost, attempt=4)
    other = job_row(session, lost)

    renewed = jobs.renew(
        session, [(job_id, 3) for job_id in (mine, asked, lost, ended)], lease=2 * LEASE
    )

    learned = {row.job_id: (row.attempt, row.cancel_requested) for row in renewed}
    assert learned == {mine: (3, False), asked: (3, True)}
    assert job_row(session, mine)["lease_expires_at"] == now(session) + 2 * LEASE
    assert job_row(session, lost) == other


def test_a_renewal_of_nothing_asks_the_database_nothing(shared_database: Database) -> None:
    with shared_database.transaction() as session, statements(shared_database) as sent:
        assert jobs.renew(session, [], lease=LEASE) == []

    assert sent == []


def test_a_window_is_noted_by_its_own_running_attempt_only(session: Session) -> None:
    job_id = running(session, attempt=2)
    assert not jobs.note_window(session, job_id, 1, {"used": 1})
    assert jobs.note_window(session, job_id, 2, {"used": 2})
    jobs.complete(session, job_id, 2, SAID)

    assert not jobs.note_window(session, job_id, 2, {"used": 3})

    assert job_row(session, job_id)["window"] == {"used": 2}
