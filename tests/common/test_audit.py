"""The audit finds nothing in good data, and every promise is one that it can see broken."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from common import jobs
from common.audit import PROMISES, Limits, audit
from common.config import TestingConfig
from common.db import Database
from common.jobs import Said
from common.machine import Status
from common.models import Conversation, Job
from tests.common.rows import BUDGET, LEASE, post
from tests.house.commands import run

LIMITS = Limits(
    lapsed=timedelta(seconds=15), overrun=timedelta(seconds=45), waiting=timedelta(hours=24)
)
Ids = dict[str, uuid.UUID]


def _answered(session: Session) -> Ids:
    """One turn with its whole reply."""
    posted = post(session)
    jobs.claim(session, posted.job.id, owner="worker-1#1", lease=LEASE, budget=BUDGET)
    jobs.complete(session, posted.job.id, 1, Said(text="Una lista de espera."))
    return {
        "job": posted.job.id,
        "turn": posted.message.id,
        "reply": posted.reply.id,
        "conversation": posted.message.conversation_id,
    }


def _sql(statement: str) -> Callable[[Session, Ids], None]:
    def damage(session: Session, ids: Ids) -> None:
        session.execute(
            text(statement), {name: ids[name] for name in ids if f":{name}" in statement}
        )

    return damage


def _again_before_the_end(session: Session, ids: Ids) -> None:
    later = post(session, session.get_one(Conversation, ids["conversation"]))
    jobs.claim(session, later.job.id, owner="worker-1#1", lease=LEASE, budget=BUDGET)
    session.execute(
        text("UPDATE jobs SET finished_at = now() + interval '1 s' WHERE id = :job"),
        {"job": ids["job"]},
    )


def _all(*statements: str) -> Callable[[Session, Ids], None]:
    def damage(session: Session, ids: Ids) -> None:
        for statement in statements:
            _sql(statement)(session, ids)

    return damage


DAMAGE: dict[str, list[Callable[[Session, Ids], None]]] = {
    "every_turn_has_a_reply": [
        _all(
            "UPDATE conversations SET head_message_id = :turn WHERE id = :conversation",
            "DELETE FROM messages WHERE id = :reply",
        )
    ],
    "every_reply_has_a_job": [_sql("DELETE FROM jobs WHERE id = :job")],
    "a_reply_ends_as_its_job_does": [
        _sql("UPDATE messages SET status = 'pending' WHERE id = :reply"),
        _sql("UPDATE messages SET content = '' WHERE id = :reply"),
    ],
    "an_end_is_written_whole": [
        _sql("UPDATE jobs SET finished_at = NULL WHERE id = :job"),
        _sql("UPDATE jobs SET status = 'failed' WHERE id = :job"),
    ],
    "every_attempt_is_accounted_for_once": [
        _sql("UPDATE jobs SET attempts = '[]' WHERE id = :job"),
        _sql("UPDATE jobs SET attempts = jsonb_set(attempts, '{0,n}', '2') WHERE id = :job"),
    ],
    "a_reply_is_said_once": [
        _sql("UPDATE jobs SET attempt = 2, attempts = attempts || attempts WHERE id = :job")
    ],
    "only_failures_are_charged": [_sql("UPDATE jobs SET failures = 1 WHERE id = :job")],
    "nothing_is_unfinished_past_its_limit": [
        _sql(
            "UPDATE jobs SET status = 'in_progress', lease_expires_at = now() - interval '16 s'"
            " WHERE id = :job"
        ),
        _sql(
            "UPDATE jobs SET status = 'queued', deadline_at = now() - interval '46 s'"
            " WHERE id = :job"
        ),
        _sql(
            "UPDATE jobs SET status = 'queued', queued_at = now() - interval '25 h' WHERE id = :job"
        ),
    ],
    "a_turn_waits_for_the_reply_before_it": [_again_before_the_end],
    "who_waits_waits_for_a_pending_reply": [
        _sql("UPDATE jobs SET status = 'queued', waits_for = reply_message_id WHERE id = :job"),
        _all(
            "UPDATE jobs SET status = 'queued' WHERE id = :job",
            "UPDATE messages SET status = 'pending'"
            " WHERE conversation_id = :conversation AND turn_index = 0",
        ),
    ],
    "turns_and_replies_alternate": [
        _sql("UPDATE messages SET turn_index = 7 WHERE id = :reply"),
        _sql("UPDATE messages SET role = 'user' WHERE id = :reply"),
    ],
    "every_conversation_has_one_root_and_its_own_head": [
        _sql("UPDATE conversations SET head_message_id = NULL WHERE id = :conversation"),
        _sql("UPDATE messages SET turn_index = 1 WHERE conversation_id = :conversation"),
    ],
    "a_job_belongs_to_its_conversation": [
        _sql("UPDATE jobs SET prompt_message_id = reply_message_id WHERE id = :job")
    ],
}


def test_good_rows_break_no_promise(session: Session) -> None:
    _answered(session)
    post(session)
    running = post(session)
    jobs.claim(session, running.job.id, owner="worker-1#1", lease=LEASE, budget=BUDGET)
    retried = post(session)
    jobs.claim(session, retried.job.id, owner="worker-1#1", lease=LEASE, budget=BUDGET)
    jobs.requeue(session, retried.job.id, 1, outcome="worker_lost", wait=timedelta(0))
    handed = post(session)
    jobs.claim(session, handed.job.id, owner="worker-1#1", lease=LEASE, budget=BUDGET)
    jobs.hand_over(session, handed.job.id, 1)
    assert session.get_one(Job, handed.job.id).status == Status.QUEUED

    assert audit(session, LIMITS) == []


def test_every_promise_is_broken_by_this_test() -> None:
    assert set(DAMAGE) == set(PROMISES)


@pytest.mark.parametrize(
    ("promise", "damage"), [(name, how) for name, hows in DAMAGE.items() for how in hows]
)
def test_a_broken_promise_is_found(
    session: Session, promise: str, damage: Callable[[Session, Ids], None]
) -> None:
    ids = _answered(session)
    _answered(session)

    damage(session, ids)

    found = [finding for finding in audit(session, LIMITS) if finding.promise == promise]
    assert len(found) == 1
    assert found[0].id in ids.values() or promise == "a_turn_waits_for_the_reply_before_it"


def test_the_command_says_what_holds_and_what_does_not(
    config: TestingConfig, database: Database
) -> None:
    with database.transaction() as session:
        ids = _answered(session)

    well = run(config, "manage.py", "audit")
    with database.transaction() as session:
        session.execute(text("UPDATE jobs SET failures = 2"))
    ill = run(config, "manage.py", "audit")

    assert (well.returncode, well.stdout) == (0, f"{len(PROMISES)} promises hold for 1 jobs\n")
    assert (ill.returncode, ill.stdout) == (1, f"only_failures_are_charged: {ids['job']}\n")
