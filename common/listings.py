"""A user's conversations and jobs, a page at a time. Each order here has its index."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Row,
    Select,
    bindparam,
    exists,
    func,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from common.db import Reader
from common.jobs import AnyJob, Spent
from common.machine import Status
from common.models import Conversation, Job, Message, Model
from common.statement import prepared
from common.turns import Posted
from common.verbs import ROW


def listed_conversations(
    session: Session,
    user_id: uuid.UUID,
    *,
    archived: bool,
    search: str | None,
    after: tuple[bool, datetime, uuid.UUID] | None,
    limit: int,
) -> Sequence[Conversation]:
    """Pinned first, then by last change. `search` looks in titles and in what was said."""
    order = (Conversation.pinned, Conversation.updated_at, Conversation.id)
    query = (
        select(Conversation)
        .where(
            Conversation.user_id == user_id,
            Conversation.kind == "chat",
            Conversation.archived_at.is_not(None)
            if archived
            else Conversation.archived_at.is_(None),
        )
        .order_by(*[column.desc() for column in order])
        .limit(limit)
    )
    if search:
        said = exists().where(
            Message.conversation_id == Conversation.id,
            Message.turn_index > 0,
            Message.content.icontains(search, autoescape=True),
        )
        query = query.where(or_(Conversation.title.icontains(search, autoescape=True), said))
    if after is not None:
        query = query.where(tuple_(*order) < after)
    return session.scalars(query).all()


def spent_in(session: Session, conversation_id: uuid.UUID) -> Spent:
    """What a conversation's jobs took, those included whose reply isn't in view."""
    query = select(
        func.sum(Job.input_tokens), func.sum(Job.output_tokens), func.sum(Job.cost)
    ).where(Job.conversation_id == conversation_id)
    input_tokens, output_tokens, cost = session.execute(query).one()
    return Spent(input_tokens or 0, output_tokens or 0, cost)


@dataclass(frozen=True)
class Standing:
    """A job with what decides whether it may start: the reply that its prompt hangs from, and
    its model's pause. `now` is the database's clock, `reply` the reply's saved text."""

    job: AnyJob
    reply: str
    previous_is_pending: bool
    paused_until: datetime | None
    now: datetime


_ACTIVE = (Status.QUEUED, Status.IN_PROGRESS)
_reply = aliased(Message)
# Built once: building it costs more than running it.
_STANDINGS: Select[Job, str, bool, datetime | None, datetime] = (
    select(
        Job,
        func.coalesce(_reply.content, ""),
        Job.waits_for.is_not(None),
        Model.paused_until,
        func.now(),
    )
    .outerjoin(_reply, _reply.id == Job.reply_message_id)
    .outerjoin(Model, Model.id == Job.model)
    .where(Job.user_id == bindparam("owner_id"))
    .execution_options(populate_existing=True)
)
# The same for one job, which is what polls ask for: plain rows, for they are many.
_ONE_STANDING = prepared(
    "standing",
    f"""
    SELECT {ROW}, coalesce(reply.content, '') AS reply, models.paused_until, now() AS now
    FROM jobs
    LEFT JOIN messages AS reply ON reply.id = jobs.reply_message_id
    LEFT JOIN models ON models.id = jobs.model
    WHERE jobs.user_id = :owner AND jobs.id = :job
    """,
)


def find_job(session: Reader, user_id: uuid.UUID, job_id: uuid.UUID) -> Standing | None:
    """The user's job as it stands; None: there is none of that id, or it is another's."""
    row = _ONE_STANDING.first(session, {"owner": user_id, "job": job_id})
    if row is None:
        return None
    return Standing(row, row.reply, row.waits_for is not None, row.paused_until, row.now)


def new_standing(posted: Posted) -> Standing:
    """That of a job just queued, from the rows in hand. Whether its model is paused isn't known
    here: the first poll tells."""
    job = posted.job
    return Standing(job, "", posted.previous_is_pending, paused_until=None, now=job.queued_at)


def listed_jobs(
    session: Session,
    user_id: uuid.UUID,
    *,
    active: bool,
    status: str | None,
    conversation_id: uuid.UUID | None,
    before: uuid.UUID | None,
    limit: int,
) -> Sequence[Standing]:
    """Newest first."""
    wanted = []
    if status is not None:
        wanted.append(Job.status == status)
    if conversation_id is not None:
        wanted.append(Job.conversation_id == conversation_id)
    if before is not None:
        wanted.append(Job.id < before)
    # The page first, and only then what stands beside its jobs: joined with everything that waits
    # it would be sorted afterwards. What is active has an index for each of its statuses.
    ids = [
        select(Job.id).where(Job.user_id == user_id, *of_status, *wanted)
        for of_status in ([(Job.status == one,) for one in _ACTIVE] if active else [()])
    ]
    found = union_all(*ids).subquery()
    page = select(found.c.id).order_by(found.c.id.desc()).limit(limit)
    query = _STANDINGS.where(Job.id.in_(page)).order_by(Job.id.desc())
    return [_standing(row) for row in session.execute(query, {"owner_id": user_id})]


def _standing(row: Row[Job, str, bool, datetime | None, datetime]) -> Standing:
    job, reply, previous_is_pending, paused_until, now = row
    return Standing(job, reply, previous_is_pending, paused_until, now)
