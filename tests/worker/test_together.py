"""Jobs that begin or end together: one transaction for all, each as if it were alone."""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from common import jobs
from common.db import Database
from common.jobs import Said, Usage
from common.models import Job, Message
from tests.common.at_once import at_once
from tests.common.rows import (
    ALICE,
    job_row,
    make_conversation,
    post,
    put,
    queue_many,
    reply_row,
)
from tests.common.statements import statements
from worker.claim import Claimed, NothingToDo, claim, claim_together
from worker.process import WorkerProcess
from worker.settlement import Ended, settle_together
from worker.speech import Speech

MANY = 12
RAN_FOR = timedelta(seconds=3)
# What no two ends have in common.
TIMES = {"queued_at", "started_at", "finished_at", "first_token_at", "deadline_at"}
OWN = {"id", "conversation_id", "prompt_message_id", "reply_message_id", "window", "attempts"}


def questions(database: Database, count: int = MANY) -> list[uuid.UUID]:
    """So many queued jobs, each of a conversation of its own."""
    with database.transaction() as session:
        return [
            post(session, content=f"question {number}", model="gpt-test").job.id
            for number in range(count)
        ]


def said_by(claimed: Claimed, words: str, **usage: int | Decimal) -> Ended:
    speech = Speech(window_used=claimed.window.used, claimed_at=claimed.claimed_at)
    speech.text, speech.finish_reason = words, "stop"
    speech.usage = replace(Usage(11, 7), **usage)  # type: ignore[arg-type]
    speech.first_token_after = timedelta(seconds=1.5)
    return Ended(claimed, speech, RAN_FOR)


def begun(process: WorkerProcess, ids: list[uuid.UUID]) -> list[Claimed]:
    claimed = [one for one in claim_together(process, ids) if one is not None]
    assert len(claimed) == len(ids)
    return claimed


@contextmanager
def held(database: Database, job_id: uuid.UUID) -> Iterator[None]:
    """Somebody else is at this job."""
    with database.transaction() as session:
        session.execute(select(Job).where(Job.id == job_id).with_for_update())
        yield


def test_jobs_that_begin_together_cost_three_statements_and_each_has_its_window(
    process: WorkerProcess, database: Database
) -> None:
    ids = questions(database)

    with statements(process.database) as sent:
        claimed = begun(process, ids)

    assert [statement.split()[1] for statement in sent] == [
        "hold_startable",
        "within_budget",
        "claim",
    ]
    assert [one.lease.job_id for one in claimed] == ids
    asked = [one.window.parts[-1].content for one in claimed]
    assert asked == [f"question {number}" for number in range(MANY)]
    with database.transaction() as session:
        for one in claimed:
            row = job_row(session, one.lease.job_id)
            assert (row["status"], row["attempt"]) == ("in_progress", 1)
            assert row["window"]["message_ids"] == [str(part.id) for part in one.window.parts]
            assert row["window"]["used"] == one.window.used
    for one in claimed:
        assert process.live_log.read(one.lease.job_id, ALICE, None) is not None
    assert len(process.leases) == MANY


def test_windows_of_one_batch_know_nothing_of_each_other(
    process: WorkerProcess, database: Database
) -> None:
    with database.transaction() as session:
        long, short = make_conversation(session), make_conversation(session)
        for number in range(3):
            job = post(session, long, content=f"before {number}", model="gpt-test").job
            put(session, job.id, waits_for=None)
            claimed = jobs.claim(
                session, job.id, owner="w", lease=timedelta(minutes=1), budget=timedelta(minutes=1)
            )
            assert claimed is not None
            jobs.complete(session, job.id, 1, Said(text=f"answer {number}", token_count=2))
        newest = post(session, long, content="newest", model="gpt-test").job.id
        only = post(session, short, content="only", model="gpt-test").job.id

    many, one = begun(process, [newest, only])

    assert [part.content for part in many.window.parts[1:]] == [
        *(words for number in range(3) for words in (f"before {number}", f"answer {number}")),
        "newest",
    ]
    assert [part.content for part in one.window.parts[1:]] == ["only"]


def test_a_title_begins_beside_replies(process: WorkerProcess, database: Database) -> None:
    with database.transaction() as session:
        (title,) = queue_many(session, ALICE, 1, kind="title")
    reply = questions(database, 1)[0]

    kinds = [claimed.kind for claimed in begun(process, [title, reply])]

    assert kinds == ["title", "reply"]


def test_a_job_that_is_rung_twice_at_once_is_claimed_once(
    process: WorkerProcess, database: Database
) -> None:
    (job_id,) = questions(database, 1)

    twice = claim_together(process, [job_id, job_id])

    assert [one is not None for one in twice] == [True, False]
    with pytest.raises(NothingToDo):
        claim(process, job_id)


def test_a_job_that_somebody_holds_keeps_no_other_waiting(
    process: WorkerProcess, database: Database
) -> None:
    first, second = questions(database, 2)

    with ThreadPoolExecutor(1) as slot:
        with held(database, first):
            claimed = claim_together(process, [first, second])
            assert [one is not None for one in claimed] == [False, True]
            waiting = slot.submit(claim, process, first)
            while "wait_for_startable" not in _asked_of(database):
                time.sleep(0.01)
        assert waiting.result(10).lease.job_id == first


def test_a_job_claimed_by_many_at_once_is_claimed_once(
    process: WorkerProcess, database: Database
) -> None:
    ids = questions(database, 4)
    claimed: list[uuid.UUID] = []

    def take(number: int) -> None:
        with suppress(NothingToDo):
            claimed.append(claim(process, ids[number % 4]).lease.job_id)

    at_once(take, range(20))

    assert sorted(claimed) == sorted(ids)


def test_replies_that_end_together_cost_two_statements_and_are_as_if_alone(
    process: WorkerProcess, database: Database
) -> None:
    *together, alone = begun(process, questions(database, MANY + 1))
    numbers = {"cached_tokens": 3, "reasoning_tokens": 2, "cost": Decimal("0.0000042")}
    ends = [said_by(one, f"¡respuesta {at}! \\ 'ñ'", **numbers) for at, one in enumerate(together)]
    with database.transaction() as session:
        last = said_by(alone, ends[0].said.text, **numbers)
        assert jobs.complete(session, alone.lease.job_id, 1, last.said) is not None

    with statements(process.database) as sent:
        settled = settle_together(process, ends)

    names = [statement.split()[1] for statement in sent]
    assert names == ["complete_together", "release"]
    assert all(one is not None and one.status == "completed" for one in settled)
    with database.transaction() as session:
        model = of_all(session, alone.lease.job_id)
        for end in ends:
            row = of_all(session, end.claimed.lease.job_id)
            assert row["content"] == end.said.text
            assert row | {"content": model["content"]} == model
    for end in ends:
        told = process.live_log.read(end.claimed.lease.job_id, ALICE, None)
        assert told is None, "nobody knows what the log holds: ask the database"


def test_an_end_that_cant_be_saved_together_is_left_for_its_own_slot(
    process: WorkerProcess, database: Database
) -> None:
    lost, busy, free, endless = begun(process, questions(database, 4))
    with database.transaction() as session:
        put(session, lost.lease.job_id, attempt=2)
    ends = [said_by(lost, "late"), said_by(busy, "soon"), said_by(free, "now")]

    with held(database, busy.lease.job_id):
        saved = settle_together(process, ends)

    assert [one is not None for one in saved] == [False, False, True]
    with database.transaction() as session:
        assert job_row(session, lost.lease.job_id)["status"] == "in_progress"
        assert reply_row(session, lost.lease.job_id)["content"] == ""
    # and what no row can hold takes nobody along but for this once
    ends = [said_by(endless, "sí", input_tokens=2**40), said_by(busy, "soon")]
    assert settle_together(process, ends) == [None, None]
    assert settle_together(process, ends[1:])[0] is not None


def test_a_reply_that_a_post_holds_keeps_no_other_waiting(
    process: WorkerProcess, database: Database
) -> None:
    """A post reads whether the reply that it hangs from is pending, and that holds it."""
    busy, free = begun(process, questions(database, 2))
    ends = [said_by(busy, "soon"), said_by(free, "now")]

    with database.transaction() as session:
        reply = select(Message).join(Job, Job.reply_message_id == Message.id)
        session.execute(reply.where(Job.id == busy.lease.job_id).with_for_update(read=True))
        saved = settle_together(process, ends)

    assert [one is not None for one in saved] == [False, True]
    assert settle_together(process, ends[:1])[0] is not None


def test_whoever_waits_for_replies_that_end_together_may_start(
    process: WorkerProcess, database: Database
) -> None:
    with database.transaction() as session:
        conversations = [make_conversation(session) for _ in range(2)]
        ids = [post(session, one, model="gpt-test").job.id for one in conversations]
        next_ids = [post(session, one, model="gpt-test").job.id for one in conversations]
    claimed = begun(process, ids)
    assert claim_together(process, next_ids) == [None, None]

    settle_together(process, [said_by(one, "sí") for one in claimed])

    begun(process, next_ids)


def _asked_of(database: Database) -> str:
    """What other connections have asked last."""
    with database.transaction() as session:
        return " ".join(
            session.scalars(
                text("SELECT query FROM pg_stat_activity WHERE datname = current_database()")
            )
        )


def of_all(session: Session, job_id: uuid.UUID) -> dict[str, object]:
    """Job and reply, without what no two have in common."""
    row = {k: v for k, v in job_row(session, job_id).items() if k not in TIMES | OWN}
    reply = reply_row(session, job_id)
    outcomes = [
        {name: entry[name] for name in ("n", "outcome", "worker")}
        for entry in job_row(session, job_id)["attempts"]
    ]
    said = {name: reply[name] for name in ("status", "content", "token_count", "finish_reason")}
    return row | said | {"reply_status": said["status"], "outcomes": outcomes}


def test_an_end_of_a_lost_attempt_beside_that_of_the_next_is_no_end(
    process: WorkerProcess, database: Database
) -> None:
    ids = questions(database, 2)
    lost, other = begun(process, ids)
    with database.transaction() as session:
        assert jobs.requeue(session, ids[0], 1, outcome="lease_lost", wait=timedelta(0))
    (won,) = begun(process, ids[:1])

    ends = [said_by(lost, "too late"), said_by(won, "in time"), said_by(other, "beside")]
    late, *settled = settle_together(process, ends)

    assert late is None
    assert [one.job.id for one in settled if one] == ids
    with database.transaction() as session:
        assert [reply_row(session, job_id)["content"] for job_id in ids] == ["in time", "beside"]
    for job_id, words in zip(ids, ("in time", "beside"), strict=True):
        told = process.live_log.read(job_id, ALICE, None)
        assert told is None or told.text in ("", words)
