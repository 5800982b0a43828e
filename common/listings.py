"""A user's conversations and jobs, a page at a time. Each order here has its index."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from common.jobs import Status
from common.models import Conversation, Job, Message


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


def listed_jobs(
    session: Session,
    user_id: uuid.UUID,
    *,
    active: bool,
    status: str | None,
    conversation_id: uuid.UUID | None,
    before: uuid.UUID | None,
    limit: int,
) -> Sequence[tuple[Job, str]]:
    """Newest first, each with the status of the reply that its prompt hangs from."""
    prompt, previous = aliased(Message), aliased(Message)
    query = (
        select(Job, previous.status)
        .join(prompt, prompt.id == Job.prompt_message_id)
        .join(previous, previous.id == prompt.parent_id)
        .where(Job.user_id == user_id)
        .order_by(Job.id.desc())
        .limit(limit)
    )
    if active:
        query = query.where(Job.status.in_([Status.QUEUED, Status.IN_PROGRESS]))
    if status is not None:
        query = query.where(Job.status == status)
    if conversation_id is not None:
        query = query.where(Job.conversation_id == conversation_id)
    if before is not None:
        query = query.where(Job.id < before)
    return [(row[0], row[1]) for row in session.execute(query)]
