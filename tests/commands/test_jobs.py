"""What an operator may do with everybody's jobs."""

import uuid

import pytest
from sqlalchemy import text

from common import jobs
from common.acceptance import WaitingCaps
from common.config import TestingConfig
from common.db import Database
from common.models import Job
from common.requeueing import How, requeue
from tests.commands.calling import call
from tests.common.rows import BUDGET, CAPS, CATALOGUE, LEASE, make_user, post
from tests.web.hand import Hand

NOBODY = str(uuid.uuid4())


@pytest.fixture
def hand(config: TestingConfig) -> Hand:
    return Hand.of(config)


def queued(database: Database, **how: object) -> str:
    with database.transaction() as session:
        return str(post(session, **how).job.id)  # type: ignore[arg-type]


def test_list_shows_everybodys_newest_first_and_never_what_was_said(
    config: TestingConfig, database: Database, hand: Hand, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.transaction() as session:
        bob = make_user(session, "Bob")
    first = queued(database, content="un secreto")
    second = queued(database, user_id=bob)
    hand.fail(first, "upstream_timeout", attempt=hand.claim(first))

    assert call(config, "jobs", "list") == 0

    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["ID", "STATUS"]
    assert [row.split()[0] for row in rows] == [second, first]
    assert "Bob" in rows[0]
    assert "upstream_timeout" in rows[1]
    assert not any("secreto" in row for row in rows)

    call(config, "jobs", "list", "--status", "failed")
    assert len(capsys.readouterr().out.splitlines()) == 2
    call(config, "jobs", "list", "--limit", "1")
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_cancel_ends_a_waiting_job_and_marks_a_running_one(
    config: TestingConfig, database: Database, hand: Hand, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting, running = queued(database), queued(database)
    hand.claim(running)

    assert call(config, "jobs", "cancel", waiting, running) == 0

    assert hand.job(waiting).status == "cancelled"
    assert hand.job(running).cancel_requested_at is not None
    assert hand.live_log.append([], [uuid.UUID(running)]).cancelled == [uuid.UUID(running)]
    said = capsys.readouterr().out
    assert f"{waiting}: cancelled" in said
    assert f"{running}: being cancelled" in said


@pytest.mark.parametrize("verb", ["cancel", "requeue"])
def test_a_job_that_is_not_there_is_said_and_the_others_are_done(
    config: TestingConfig,
    database: Database,
    hand: Hand,
    verb: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = queued(database)

    assert call(config, "jobs", verb, NOBODY, job) == 1

    told = capsys.readouterr()
    assert f"{NOBODY}: there is no such job" in told.err
    assert job in told.out


def test_requeue_takes_a_running_job_from_its_worker_and_charges_nothing(
    config: TestingConfig, database: Database, hand: Hand
) -> None:
    hand.come_online()
    job = queued(database)
    attempt = hand.claim(job)

    assert call(config, "jobs", "requeue", job) == 0

    row = hand.job(job)
    assert (row.status, row.failures, row.attempts[0]["outcome"]) == ("queued", 0, "handed_over")
    assert row.rung_at is not None  # for whoever has a free slot
    with database.transaction() as session:
        late = jobs.complete(session, uuid.UUID(job), attempt, jobs.Said("late"))
        assert late is None, "the first worker's fence holds"
    hand.answer(job)
    assert hand.job(job).status == "completed"


def test_requeue_of_an_ended_job_is_a_new_one_beside_it(
    config: TestingConfig, database: Database, hand: Hand, capsys: pytest.CaptureFixture[str]
) -> None:
    job = queued(database)
    hand.fail(job, "upstream_timeout", attempt=hand.claim(job))

    assert call(config, "jobs", "requeue", job) == 0

    heir = capsys.readouterr().out.split()[-1]
    old, new = hand.job(job), hand.job(heir)
    assert (old.status, new.status) == ("failed", "queued")
    assert (new.prompt_message_id, new.user_id) == (old.prompt_message_id, old.user_id)
    assert new.reply_message_id != old.reply_message_id


def test_requeue_of_a_waiting_job_lets_it_be_rung_at_once(database: Database) -> None:
    job = uuid.UUID(queued(database))
    with database.transaction() as session:
        session.execute(text("UPDATE jobs SET rung_at = now()"))

    with database.transaction() as session:
        done = requeue(session, job, catalogue=CATALOGUE, caps=CAPS)

    assert done is not None
    assert (done.job_id, done.how) == (job, How.RUNG_ANEW)
    with database.transaction() as session:
        assert session.get_one(Job, job).rung_at is None


def test_a_completed_job_needs_no_other_attempt(database: Database, hand: Hand) -> None:
    job = queued(database)
    hand.answer(job)

    with database.transaction() as session:
        assert requeue(session, uuid.UUID(job), catalogue=CATALOGUE, caps=CAPS) is None
        assert session.scalar(text("SELECT count(*) FROM jobs")) == 1


def test_a_full_house_refuses_a_new_job(database: Database, hand: Hand) -> None:
    from common.errors import EpiCodeError

    job = queued(database)
    hand.fail(job, "upstream_timeout", attempt=hand.claim(job))
    queued(database)

    with database.transaction() as session, pytest.raises(EpiCodeError) as refused:
        requeue(session, uuid.UUID(job), catalogue=CATALOGUE, caps=WaitingCaps(1, 100))
    assert refused.value.code == "too_many_waiting"


def test_requeue_carries_out_a_cancel_that_was_asked_for(database: Database, hand: Hand) -> None:
    with database.transaction() as session:
        job = post(session).job.id
        assert jobs.claim(session, job, owner="x#1", lease=LEASE, budget=BUDGET)
        jobs.ask_to_cancel_as_operator(session, job)

    with database.transaction() as session:
        assert requeue(session, job, catalogue=CATALOGUE, caps=CAPS) is None

    assert hand.job(str(job)).status == "cancelled"
