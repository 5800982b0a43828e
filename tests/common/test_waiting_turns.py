"""A turn waits for the reply above it, and starts after whatever end that comes to."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from common import conversations, jobs, ringing
from common.db import Database
from common.errors import EpiCodeError
from common.jobs import NOTHING_SAID, Said
from common.machine import Status
from common.models import Conversation, Job
from tests.common.rows import ALICE, claim, come_online, job_row, make_conversation, post, put_in
from tests.stack import wait_until

RING_TIMEOUT = timedelta(seconds=30)
ERROR = EpiCodeError("upstream_unavailable", retryable=True).as_record()
SECOND = timedelta(seconds=1)

ENDS: dict[str, Callable[[Session, uuid.UUID], Job | None]] = {
    "completed": lambda session, job: jobs.complete(session, job, 1, Said(text="¡hola!")),
    "incomplete": lambda session, job: jobs.complete(
        session, job, 1, NOTHING_SAID, incomplete_because="max_output_tokens"
    ),
    "failed": lambda session, job: jobs.fail(session, job, 1, ERROR),
    "cancelled": lambda session, job: cancelled(session, job),
}


def cancelled(session: Session, job_id: uuid.UUID) -> Job | None:
    jobs.ask_to_cancel(session, job_id, ALICE)
    return jobs.cancel(session, job_id, 1)


@pytest.mark.parametrize("end", ENDS)
def test_any_end_of_a_reply_releases_whoever_waits_for_it(session: Session, end: str) -> None:
    conversation = make_conversation(session)
    first, second, third = (post(session, conversation) for _ in range(3))
    beside = post(session, conversation, parent_id=first.reply.id).job.id  # another branch
    put_in(session, first.job.id, Status.IN_PROGRESS)
    assert claim(session, second.job.id) is None

    ENDS[end](session, first.job.id)

    assert claim(session, second.job.id) is not None
    assert claim(session, beside) is not None
    assert claim(session, third.job.id) is None


def test_a_waiting_turn_that_is_taken_off_or_expires_releases_the_next(session: Session) -> None:
    conversation = make_conversation(session)
    first, second, third, fourth = (post(session, conversation) for _ in range(4))
    put_in(session, first.job.id, Status.IN_PROGRESS)

    jobs.ask_to_cancel(session, second.job.id, ALICE)
    assert claim(session, third.job.id) is not None

    jobs.complete(session, third.job.id, 1, NOTHING_SAID)
    assert job_row(session, fourth.job.id)["waits_for"] is None
    fifth = post(session, conversation)
    jobs.expire(session, fourth.job.id, ERROR)
    assert claim(session, fifth.job.id) is not None


def test_another_attempt_keeps_the_next_turn_waiting(session: Session) -> None:
    conversation = make_conversation(session)
    first, second = post(session, conversation), post(session, conversation)
    put_in(session, first.job.id, Status.IN_PROGRESS)
    come_online(session, 10)

    jobs.requeue(session, first.job.id, 1, outcome="worker_lost", wait=SECOND)

    assert ringing.pick(session, RING_TIMEOUT) == []
    assert claim(session, second.job.id) is None


def test_a_turn_posted_while_the_reply_above_is_ending_does_not_wait_for_ever(
    database: Database,
) -> None:
    with database.transaction() as session:
        conversation = make_conversation(session)
        first = post(session, conversation).job.id
        assert claim(session, first) is not None
    with ThreadPoolExecutor(1) as pool, database.transaction() as ending:
        jobs.complete(ending, first, 1, Said(text="¡hola!"))
        posted = pool.submit(post_alone, database, conversation.id)
        wait_until(lambda: anybody_waits_for_a_lock(database), what="the post, held up")

        ending.commit()

        job_id = posted.result(10)
    with database.transaction() as session:
        assert claim(session, job_id) is not None


def test_a_reply_that_ends_while_a_turn_is_posted_below_it_releases_that_turn(
    database: Database,
) -> None:
    with database.transaction() as session:
        conversation = make_conversation(session)
        first = post(session, conversation).job.id
        assert claim(session, first) is not None
    ended = threading.Event()

    def end() -> None:
        with database.transaction() as session:
            jobs.complete(session, first, 1, Said(text="¡hola!"))
        ended.set()

    with database.transaction() as posting:
        second = post(posting, posting.get_one(Conversation, conversation.id)).job.id
        thread = threading.Thread(target=end)
        thread.start()
        wait_until(lambda: anybody_waits_for_a_lock(database), what="the end, held up")
        assert not ended.is_set()
    thread.join()

    with database.transaction() as session:
        assert claim(session, second) is not None


def post_alone(database: Database, conversation_id: uuid.UUID) -> uuid.UUID:
    with database.transaction() as session:
        return post(session, conversations.find(session, ALICE, conversation_id)).job.id


def anybody_waits_for_a_lock(database: Database) -> bool:
    with database.engine.connect() as connection:
        asked = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return bool(connection.exec_driver_sql(asked).scalar())
