"""Rows for tests: users, conversations and jobs, in any state, and what a row looks like."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from common import branches, conversations, jobs, workers
from common.acceptance import WaitingCaps
from common.branches import WindowFor
from common.catalogue import Catalogue
from common.db import new_id
from common.jobs import JobRow
from common.machine import FINISHED, Status
from common.models import Conversation, Job, Message, User
from common.models.access import LOCAL_USER_ID
from common.statement import Row
from common.turns import Posted

ALICE = LOCAL_USER_ID
CAPS = WaitingCaps(per_user=100_000, in_all=100_000)
CATALOGUE = Catalogue()
MODEL = "gpt-4o-mini-2024-07-18"
LEASE = timedelta(seconds=30)
BUDGET = timedelta(minutes=45)


def make_user(session: Session, name: str) -> uuid.UUID:
    """Another person: Bob, who owns nothing yet."""
    user = User(email=name, display_name=name)
    session.add(user)
    session.flush()
    return user.id


def make_conversation(
    session: Session, user_id: uuid.UUID = ALICE, *, kind: str = "chat", prompt: str = "Sé breve."
) -> Conversation:
    made = conversations.create(
        session,
        user_id,
        system_prompt=prompt,
        model=MODEL,
        kind=kind,  # type: ignore[arg-type]
    )
    return session.get_one(Conversation, made.id)


def post(
    session: Session,
    conversation: Conversation | None = None,
    *,
    user_id: uuid.UUID = ALICE,
    content: str = "¿Qué es una cola?",
    parent_id: uuid.UUID | None = None,
    model: str | None = None,
) -> Posted:
    """A turn with its queued job, in a conversation of its own unless one is given."""
    conversation = conversation or make_conversation(session, user_id)
    return conversations.post_message(
        session,
        user_id,
        conversation.id,
        content=content,
        catalogue=CATALOGUE,
        caps=CAPS,
        parent_id=parent_id,
        model=model,
    )


def queue_many(
    session: Session, user_id: uuid.UUID, count: int, *, kind: str = "reply"
) -> list[uuid.UUID]:
    """Many queued jobs of one user, the oldest first, none waiting for another."""
    conversation = make_conversation(session, user_id)
    prompts = [new_id() for _ in range(count)]
    replies = [new_id() for _ in range(count)]
    ids = [new_id() for _ in range(count)]
    root = conversation.head_message_id
    began_at = now(session)
    turn = {"conversation_id": conversation.id, "content": ""}
    session.execute(
        insert(Message),
        [
            turn | {"id": prompt, "parent_id": root, "turn_index": 1, "role": "user"}
            for prompt in prompts
        ],
    )
    is_title = kind == "title"  # which has no reply
    if not is_title:
        session.execute(
            insert(Message),
            [
                turn
                | {"id": reply, "parent_id": prompt, "turn_index": 2, "role": "assistant"}
                | {"status": "pending"}
                for prompt, reply in zip(prompts, replies, strict=True)
            ],
        )
    session.execute(
        insert(Job),
        [
            {
                "id": ids[at],
                "user_id": user_id,
                "conversation_id": conversation.id,
                "prompt_message_id": prompts[at],
                "reply_message_id": None if is_title else replies[at],
                "kind": kind,
                "model": MODEL,
                "queued_at": began_at - timedelta(milliseconds=count - at),
            }
            for at in range(count)
        ],
    )
    return ids


def put(session: Session, job_id: uuid.UUID, **columns: Any) -> None:
    """Sets columns of a job by force, past every rule."""
    session.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(**columns)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()


def put_in(session: Session, job_id: uuid.UUID, status: Status, *, attempt: int = 1) -> None:
    """Puts a job into a status by force, its other columns as they would be."""
    running = status == Status.IN_PROGRESS
    put(
        session,
        job_id,
        status=status,
        attempt=0 if status == Status.QUEUED and attempt == 1 else attempt,
        lease_owner="worker-1@host" if running else None,
        lease_expires_at=func.now() + LEASE if running else None,
        started_at=None if status == Status.QUEUED else func.now(),
        deadline_at=None if status == Status.QUEUED else func.now() + BUDGET,
        finished_at=func.now() if status in FINISHED else None,
    )


def running(session: Session, *, attempt: int = 1) -> uuid.UUID:
    """A job that a worker is running, in that attempt."""
    job_id = post(session).job.id
    put_in(session, job_id, Status.IN_PROGRESS, attempt=attempt)
    return job_id


def claim(session: Session, job_id: uuid.UUID, owner: str = "worker-1@host") -> JobRow | None:
    return jobs.claim(session, job_id, owner=owner, lease=LEASE, budget=BUDGET)


def for_window(
    session: Session, conversation_id: uuid.UUID, prompt_id: uuid.UUID, budget: int
) -> Sequence[Row]:
    """What the window of one prompt may be built from."""
    (found,) = branches.for_windows(session, [WindowFor(conversation_id, prompt_id, budget)])
    return found


def job_row(session: Session, job_id: uuid.UUID) -> dict[str, Any]:
    """Every column of a job as the database holds it now."""
    row = session.execute(text("SELECT * FROM jobs WHERE id = :id"), {"id": job_id}).mappings()
    return dict(row.one())


def reply_row(session: Session, job_id: uuid.UUID) -> dict[str, Any]:
    """Every column of a job's reply."""
    row = session.execute(
        text("""
            SELECT messages.* FROM messages JOIN jobs ON jobs.reply_message_id = messages.id
            WHERE jobs.id = :id
        """),
        {"id": job_id},
    )
    return dict(row.mappings().one())


def now(session: Session) -> Any:
    """The transaction's time, which every guarded UPDATE in it writes."""
    return session.scalar(select(func.now()))


def come_online(
    session: Session, slots: int, *, name: str = "worker-1@host", pid: int = 1, busy: int = 0
) -> None:
    """A worker process with so many slots."""
    workers.report(
        session, name=name, pid=pid, slots=slots, busy=busy, queues=["background", "interactive"]
    )


def statuses(session: Session, job_ids: Sequence[uuid.UUID]) -> set[str]:
    return set(session.scalars(select(Job.status).where(Job.id.in_(job_ids))))


def holds(row: dict[str, Any], **wanted: Any) -> None:
    """Asserts columns of a row, naming all that differ at once."""
    assert {name: row[name] for name in wanted} == wanted
