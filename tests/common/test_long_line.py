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

from common import branches, conversations, jobs, ringing
from common.branches import WindowFor
from common.db import Database, new_id
from common.idempotency import Key, Made
from common.machine import Status
from common.models import Conversation, Job
from tests.common.rows import (
    ALICE,
    CAPS,
    CATALOGUE,
    claim,
    come_online,
    make_conversation,
    make_user,
    post,
    queue_many,
)
from web.waiting_line import read_line

RING_TIMEOUT = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)
MANY, SLOTS = 3000, 16
TAKEN = SLOTS - 2
# Each statement counts what is under way; a pick is two statements, a post's three.
FEW = 5 * SLOTS


def rows_read(session: Session, table: str) -> int:
    """How many rows of a table this transaction has read so far, by whatever plan."""
    read = """
        SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = :table
    """
    return int(session.execute(text(read), {"table": table}).scalar_one())


def read_by(session: Session, act: Callable[[], object], table: str = "jobs") -> int:
    """How many of them `act` reads."""
    session.flush()
    before = rows_read(session, table)
    act()
    return rows_read(session, table) - before


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
        bells.extend(ringing.pick_after_posts(session, [posted], RING_TIMEOUT))

    assert read_by(session, ring) < FEW

    assert [doorbell.job_id for doorbell in bells] == [posted]


def test_the_line_is_read_no_further_than_it_is_shown(
    session: Session, running: list[uuid.UUID]
) -> None:
    for job_id in running[:4]:
        jobs.complete(session, job_id, 1, jobs.NOTHING_SAID)

    assert read_by(session, lambda: read_line(session)) < 2 * ringing.PLACES_SHOWN

    line = read_line(session)
    assert len(line.places) == ringing.PLACES_SHOWN
    assert line.mean_run_ms is not None


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


@pytest.mark.parametrize("table", ["jobs", "messages"])
def test_jobs_are_found_by_their_ids_whatever_was_planned_when_few_were_there(
    database: Database, table: str
) -> None:
    batch = SLOTS // 2
    with database.transaction() as session:  # on this connection all is planned for good
        planned = queue_many(session, ALICE, batch)
        take_together(session, planned)
        complete_together(session, planned)
        ids = queue_many(session, ALICE, MANY)[:batch]
        take_together(session, queue_many(session, ALICE, MANY))

        assert read_by(session, lambda: take_together(session, ids), table) < FEW
        assert read_by(session, lambda: complete_together(session, ids), table) < FEW


def take_together(session: Session, ids: list[uuid.UUID]) -> None:
    held = jobs.hold_startable(session, ids)
    prompts = [WindowFor(job.conversation_id, job.prompt_message_id, 1000) for job in held]
    assert len(branches.for_windows(session, prompts)) == len(ids)
    windows: dict[uuid.UUID, dict[str, int] | None] = {job.id: {"used": 1} for job in held}
    claimed = jobs.claim_held(session, windows, owner="w", lease=MINUTE, budget=MINUTE)
    assert len(claimed) == len(ids)


def complete_together(session: Session, ids: list[uuid.UUID]) -> None:
    said = jobs.Said(text="sí", token_count=1, finish_reason="stop")
    ended = jobs.complete_together(session, [(job_id, 1, said) for job_id in ids])
    assert len(ended) == len(ids)


def test_a_post_reads_few_messages_however_long_its_conversation(database: Database) -> None:
    with database.transaction() as session:
        post(session)  # on this connection all is planned for good
        job = session.get_one(Job, queue_many(session, ALICE, MANY)[0])
        long = session.get_one(Conversation, job.conversation_id)

        def post_below() -> None:
            post(session, long, parent_id=job.reply_message_id)

        assert read_by(session, post_below, "messages") < FEW


def test_a_post_reads_few_keys_however_many_there_are(database: Database) -> None:
    with database.transaction() as session:
        conversation = make_conversation(session).id
        post_once(session, conversation, "the first")  # on this connection all is planned for good
        many = """
            INSERT INTO idempotency_keys (user_id, key, fingerprint)
            SELECT :user, 'key ' || number, 'mark' FROM generate_series(1, :count) AS number
        """
        session.execute(text(many), {"user": ALICE, "count": MANY})

        def post_another() -> None:
            post_once(session, conversation, "the last")

        assert read_by(session, post_another, "idempotency_keys") < FEW


def post_once(session: Session, conversation: uuid.UUID, key: str) -> None:
    ids = Made(conversation, message_id=new_id(), job_id=new_id())
    conversations.post_message(
        session,
        ALICE,
        conversation,
        content="hola",
        catalogue=CATALOGUE,
        caps=CAPS,
        message_id=ids.message_id,
        job_id=ids.job_id,
        key=Key(ALICE, key, b"mark", ids),
    )
