"""What each end of an attempt writes: to the job, and to its reply in the same transaction."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func
from sqlalchemy.orm import Session

from common import jobs
from common.db import Database
from common.jobs import Said, Usage
from tests.common.at_once import at_once
from tests.common.rows import (
    claim,
    holds,
    job_row,
    now,
    post,
    put,
    reply_row,
    running,
)

SECOND = timedelta(seconds=1)
ERROR = {"code": "invalid_api_key", "params": {}, "retryable": False}
SAID = Said(
    text="¡Hola!",
    token_count=2,
    finish_reason="stop",
    usage=Usage(11, 2, cached_tokens=5, reasoning_tokens=1, cost=Decimal("0.0000042")),
    first_token_after=timedelta(seconds=2),
)
USAGE_OF_SAID = {
    "input_tokens": 11,
    "output_tokens": 2,
    "cached_tokens": 5,
    "reasoning_tokens": 1,
    "cost": Decimal("0.0000042"),
}
UNHELD = {"lease_owner": None, "lease_expires_at": None, "rung_at": None}


def test_of_twenty_endings_at_once_exactly_one_counts(shared_database: Database) -> None:
    with shared_database.transaction() as session:
        job_id = running(session)
    ended: list[str] = []

    def end(number: int) -> None:
        said = Said(text=f"reply {number}")
        with shared_database.transaction() as session:
            if number % 2:
                job = jobs.complete(session, job_id, 1, said)
            else:
                job = jobs.requeue(session, job_id, 1, outcome="worker_lost", wait=SECOND)
            if job is not None:
                ended.append(said.text if number % 2 else "")

    at_once(end, range(20))

    with shared_database.transaction() as session:
        assert len(ended) == 1
        assert reply_row(session, job_id)["content"] == ended[0]
        assert len(job_row(session, job_id)["attempts"]) == 1


@pytest.mark.parametrize("how", ["alone", "with others"])
def test_complete_saves_reply_usage_and_times_and_lets_the_job_go(
    session: Session, how: str
) -> None:
    job_id = running(session)
    put(session, job_id, started_at=func.now() - 5 * SECOND)

    if how == "alone":
        jobs.complete(session, job_id, 1, SAID)
    else:
        others = [(running(session), 1, jobs.NOTHING_SAID), (job_id, 1, SAID)]
        assert len(jobs.complete_together(session, others)) == 2

    row, time = job_row(session, job_id), now(session)
    holds(
        row,
        status="completed",
        error=None,
        failures=0,
        finished_at=time,
        first_token_at=time - 3 * SECOND,
        **USAGE_OF_SAID,
        **UNHELD,
    )
    (attempt,) = row["attempts"]
    assert (attempt["n"], attempt["outcome"]) == (1, "completed")
    assert attempt["worker"] == "worker-1@host"
    assert isinstance(attempt["ran_ms"], int)
    assert 5000 <= attempt["ran_ms"] < 15_000
    holds(
        reply_row(session, job_id),
        status="completed",
        content="¡Hola!",
        token_count=2,
        finish_reason="stop",
    )


def test_an_incomplete_reply_says_why_and_keeps_its_text(session: Session) -> None:
    job_id = running(session)

    jobs.complete(session, job_id, 1, SAID, incomplete_because="max_output_tokens")

    row = job_row(session, job_id)
    holds(row, status="incomplete", **USAGE_OF_SAID, **UNHELD)
    assert row["error"]["code"] == "max_output_tokens"
    assert row["attempts"][0]["outcome"] == "incomplete"
    holds(reply_row(session, job_id), status="incomplete", content="¡Hola!")


def test_a_failure_is_charged_and_keeps_error_and_text(session: Session) -> None:
    job_id = running(session)
    put(session, job_id, failures=2)

    jobs.fail(session, job_id, 1, ERROR, SAID)

    row = job_row(session, job_id)
    holds(row, status="failed", failures=3, error=ERROR, finished_at=now(session), **UNHELD)
    holds(row, **USAGE_OF_SAID)
    assert row["attempts"][0]["outcome"] == "invalid_api_key"
    holds(reply_row(session, job_id), status="failed", content="¡Hola!")


def test_a_failure_may_name_the_attempts_end_otherwise_than_the_jobs(
    session: Session,
) -> None:
    job_id = running(session)

    jobs.fail(session, job_id, 1, ERROR, outcome="worker_lost")

    assert job_row(session, job_id)["attempts"][0]["outcome"] == "worker_lost"


def test_a_requeue_is_charged_waits_and_leaves_the_reply_pending(
    session: Session,
) -> None:
    job_id = running(session)

    jobs.requeue(session, job_id, 1, outcome="rate_limited", wait=9 * SECOND, said=SAID)

    row = job_row(session, job_id)
    holds(row, attempt=1, failures=1, finished_at=None, error=None, **UNHELD)
    holds(row, not_before=now(session) + 9 * SECOND, input_tokens=None)
    assert row["attempts"][0]["outcome"] == "rate_limited"
    holds(reply_row(session, job_id), status="pending", content="", token_count=0)


def test_a_hand_over_costs_nothing_and_may_start_at_once(session: Session) -> None:
    job_id = running(session)

    jobs.hand_over(session, job_id, 1, SAID)

    row = job_row(session, job_id)
    holds(row, failures=0, not_before=None, **UNHELD)
    assert row["attempts"][0]["outcome"] == "handed_over"
    assert reply_row(session, job_id)["status"] == "pending"
    assert claim(session, job_id) is not None


def test_every_attempt_leaves_its_line(session: Session) -> None:
    job_id = post(session).job.id
    claim(session, job_id, "worker-1@host")
    jobs.requeue(session, job_id, 1, outcome="upstream_timeout", wait=timedelta(0))
    claim(session, job_id, "worker-2@host")
    jobs.hand_over(session, job_id, 2)
    claim(session, job_id, "worker-3@host")
    jobs.complete(session, job_id, 3, SAID)

    lines = job_row(session, job_id)["attempts"]

    assert [(line["n"], line["outcome"], line["worker"]) for line in lines] == [
        (1, "upstream_timeout", "worker-1@host"),
        (2, "handed_over", "worker-2@host"),
        (3, "completed", "worker-3@host"),
    ]


def test_a_job_that_waited_too_long_fails_without_having_run(session: Session) -> None:
    job_id = post(session).job.id
    put(session, job_id, rung_at=func.now(), not_before=func.now())

    jobs.expire(session, job_id, ERROR)

    row = job_row(session, job_id)
    holds(row, status="failed", error=ERROR, failures=0, attempts=[], **UNHELD)
    holds(row, not_before=None, finished_at=now(session))
    holds(reply_row(session, job_id), status="failed", content="")


def test_an_ending_and_its_reply_are_saved_together_or_not_at_all(
    shared_database: Database,
) -> None:
    with shared_database.transaction() as session:
        job_id = running(session)
        before = job_row(session, job_id), reply_row(session, job_id)

    def complete_and_break() -> None:
        with shared_database.transaction() as session:
            jobs.complete(session, job_id, 1, SAID)
            assert reply_row(session, job_id)["content"] == SAID.text
            raise ConnectionError

    with pytest.raises(ConnectionError):
        complete_and_break()

    with shared_database.transaction() as session:
        assert (job_row(session, job_id), reply_row(session, job_id)) == before
