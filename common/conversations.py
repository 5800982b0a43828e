"""What may be done with a conversation: post, regenerate, take back, switch branch, delete.

Rules take a session and never commit: the door does, once. Everything is found through its owner,
so another user's conversation is as absent as one that never was. Whoever changes the tree locks
the conversation's row first.
"""

import uuid
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from common import branches
from common.acceptance import WaitingCaps, always_sent, check_size, check_waiting
from common.catalogue import Catalogue, Limits
from common.db import new_id
from common.errors import EpiCodeError
from common.machine import Status
from common.models import Conversation, Job, Message
from common.models.conversation import DEFAULT_TITLE
from common.tokens import count_tokens


@dataclass(frozen=True)
class Posted:
    """A turn that was accepted: the user's message, its pending reply, the queued job, and
    whether the reply that it hangs from is still being said."""

    message: Message
    reply: Message
    job: Job
    previous_is_pending: bool


@dataclass(frozen=True)
class Gone:
    """A job that went with its conversation: its last attempt, and whether that was running."""

    job_id: uuid.UUID
    attempt: int
    was_running: bool


def create(
    session: Session,
    user_id: uuid.UUID,
    *,
    system_prompt: str,
    title: str | None = None,
    model: str | None = None,
    params: dict[str, Any] | None = None,
    kind: Literal["chat", "ask"] = "chat",
) -> Conversation:
    """A conversation with its root, the system message."""
    conversation = Conversation(
        user_id=user_id,
        title=title or DEFAULT_TITLE,
        title_source="person" if title else "default",
        model=model,
        params=params or {},
        kind=kind,
    )
    session.add(conversation)
    session.flush()
    root = Message(
        conversation_id=conversation.id,
        turn_index=0,
        role="system",
        content=system_prompt,
        token_count=count_tokens(system_prompt),
    )
    session.add(root)
    session.flush()
    conversation.head_message_id = root.id
    session.flush()
    return conversation


def find(
    session: Session, user_id: uuid.UUID, conversation_id: uuid.UUID, *, lock: bool = False
) -> Conversation:
    """The user's conversation; `lock` keeps others from changing its tree. Raises `not_found`."""
    query = select(Conversation).where(
        Conversation.id == conversation_id, Conversation.user_id == user_id
    )
    if lock:
        # NO KEY UPDATE: a claim in this conversation needs its key only, and must not wait for us
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    conversation = session.scalars(query).one_or_none()
    if conversation is None:
        raise EpiCodeError("not_found")
    return conversation


def find_message(session: Session, user_id: uuid.UUID, message_id: uuid.UUID) -> Message:
    """A message of one of the user's conversations. Raises `not_found`."""
    message = session.scalars(
        select(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.id == message_id, Conversation.user_id == user_id)
    ).one_or_none()
    if message is None:
        raise EpiCodeError("not_found")
    return message


def post_message(
    session: Session,
    user_id: uuid.UUID,
    conversation_id: uuid.UUID,
    *,
    content: str,
    catalogue: Catalogue,
    caps: WaitingCaps,
    model: str | None = None,
    parent_id: uuid.UUID | None = None,
    on_busy: Literal["queue", "reject"] = "queue",
    params: dict[str, Any] | None = None,
) -> Posted:
    """Writes the user's turn, its pending reply and the queued job.

    `parent_id` None hangs the turn from the head. Raises `not_found`, `invalid_parent`,
    `conversation_busy` (with the job in flight), `turn_too_long`, `model_unavailable`,
    `too_many_waiting` and `queue_full`.
    """
    conversation = find(session, user_id, conversation_id, lock=True)
    parent = _parent(session, conversation, parent_id)
    if parent.status == "pending" and on_busy == "reject":
        in_flight = session.scalar(select(Job.id).where(Job.reply_message_id == parent.id))
        raise EpiCodeError("conversation_busy", job_id=str(in_flight))
    limits = catalogue.choose(session, model or conversation.model)
    effective = conversation.params | (params or {})
    tokens = count_tokens(content)
    check_size(session, conversation, parent.id, limits, effective, tokens)
    check_waiting(session, user_id, caps)

    message = Message(
        id=new_id(),
        conversation_id=conversation.id,
        parent_id=parent.id,
        turn_index=parent.turn_index + 1,
        role="user",
        content=content,
        status="completed",
        model=None,
        token_count=tokens,
    )
    session.add(message)
    return _enqueue_reply(session, conversation, parent, message, limits, effective)


def regenerate(
    session: Session,
    user_id: uuid.UUID,
    message_id: uuid.UUID,
    *,
    catalogue: Catalogue,
    caps: WaitingCaps,
    model: str | None = None,
    params: dict[str, Any] | None = None,
) -> Posted:
    """Another reply to a user's turn, beside those that it has. Raises as `post_message` does."""
    found = find_message(session, user_id, message_id)
    conversation = find(session, user_id, found.conversation_id, lock=True)
    # Read again under the lock: the turn may have been taken back meanwhile.
    message = find_message(session, user_id, message_id)
    if message.role != "user":
        raise EpiCodeError("invalid_parent")
    limits = catalogue.choose(session, model or conversation.model)
    effective = conversation.params | (params or {})
    check_size(session, conversation, message.parent_id, limits, effective, message.token_count)
    check_waiting(session, user_id, caps)
    parent = session.get_one(Message, message.parent_id)
    return _enqueue_reply(session, conversation, parent, message, limits, effective)


def take_back(session: Session, user_id: uuid.UUID, message_id: uuid.UUID) -> uuid.UUID:
    """Removes a user's turn whose job has not started, with its reply; returns that job's id.

    Raises `turn_has_answers` when something hangs from it, `turn_already_started` otherwise.
    """
    found = find_message(session, user_id, message_id)
    conversation = find(session, user_id, found.conversation_id, lock=True)
    # Read again under the lock: another copy of this request may have taken it back already.
    message = find_message(session, user_id, message_id)
    replies = list(session.scalars(select(Message).where(Message.parent_id == message.id)))
    if message.role != "user" or len(replies) != 1 or _has_children(session, replies[0]):
        raise EpiCodeError("turn_has_answers")
    reply = replies[0]
    job_id = session.scalar(
        delete(Job)
        .where(Job.reply_message_id == reply.id, Job.status == Status.QUEUED, Job.attempt == 0)
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    if job_id is None:
        raise EpiCodeError("turn_already_started")
    if conversation.head_message_id in (message.id, reply.id):
        conversation.head_message_id = message.parent_id
    session.flush()
    session.execute(delete(Message).where(Message.id == message.id))
    return job_id


def switch_branch(session: Session, conversation: Conversation, message_id: uuid.UUID) -> None:
    """Sets the head to the newest leaf below a message. Raises `invalid_parent` for a stranger."""
    leaf = branches.newest_leaf(session, conversation.id, message_id)
    if leaf is None:
        raise EpiCodeError("invalid_parent")
    conversation.head_message_id = leaf


def system_message(session: Session, conversation_id: uuid.UUID) -> Message:
    """The root of a conversation's tree. Raises `not_found` when it was deleted meanwhile."""
    root = session.scalars(
        select(Message).where(Message.conversation_id == conversation_id, Message.turn_index == 0)
    ).one_or_none()
    if root is None:
        raise EpiCodeError("not_found")
    return root


def rewrite_system_prompt(session: Session, conversation: Conversation, prompt: str) -> None:
    """The one message that may be rewritten."""
    root = system_message(session, conversation.id)
    root.content, root.token_count = prompt, count_tokens(prompt)


def set_in_window(
    session: Session,
    user_id: uuid.UUID,
    message_id: uuid.UUID,
    in_window: Literal["auto", "always", "never"],
    catalogue: Catalogue,
) -> Message:
    """Pins a message to the window, or leaves it out. Raises `pins_too_long` with the numbers."""
    found = find_message(session, user_id, message_id)
    conversation = find(session, user_id, found.conversation_id, lock=True)
    message = find_message(session, user_id, message_id)
    message.in_window = in_window
    session.flush()
    if in_window == "always":
        limits = catalogue.choose(session, conversation.model)
        leaf = branches.newest_leaf(session, conversation.id, message.id)
        tokens = always_sent(session, conversation, leaf)
        budget = limits.budget(conversation.params)
        if tokens > budget:
            raise EpiCodeError("pins_too_long", tokens=tokens, budget=budget)
    return message


def remove(session: Session, user_id: uuid.UUID, conversation_id: uuid.UUID) -> list[Gone]:
    """Deletes a conversation with its messages and jobs.

    Returns its jobs: after the commit their live logs go and what runs stops.
    """
    conversation = find(session, user_id, conversation_id, lock=True)
    # Jobs before messages, as a worker that ends its job locks them: the cascade's own order is
    # the other, and both would wait for each other.
    jobs = session.execute(
        select(Job.id, Job.attempt, Job.status)
        .where(Job.conversation_id == conversation.id)
        .order_by(Job.id)
        .with_for_update()
    )
    gone = [Gone(row.id, row.attempt, row.status == Status.IN_PROGRESS) for row in jobs]
    session.execute(delete(Conversation).where(Conversation.id == conversation.id))
    return gone


def _parent(session: Session, conversation: Conversation, parent_id: uuid.UUID | None) -> Message:
    parent = session.scalars(
        select(Message).where(
            Message.id == (parent_id or conversation.head_message_id),
            Message.conversation_id == conversation.id,
        )
    ).one_or_none()
    # After PATCH the head may be a user's turn only if its reply is gone; turns hang from replies.
    if parent is None or parent.role == "user":
        raise EpiCodeError("invalid_parent")
    return parent


def _enqueue_reply(
    session: Session,
    conversation: Conversation,
    parent: Message,
    message: Message,
    limits: Limits,
    params: dict[str, Any],
) -> Posted:
    reply = Message(
        id=new_id(),
        conversation_id=conversation.id,
        parent_id=message.id,
        turn_index=message.turn_index + 1,
        role="assistant",
        # the same columns as the turn's, so that both are one INSERT
        content="",
        status="pending",
        model=limits.id,
        token_count=0,
    )
    session.add(reply)
    session.flush()
    pending = parent.status == "pending" and _is_still_pending(session, parent)
    job = Job(
        user_id=conversation.user_id,
        conversation_id=conversation.id,
        prompt_message_id=message.id,
        reply_message_id=reply.id,
        kind="ask" if conversation.kind == "ask" else "reply",
        model=limits.id,
        params=params,
        waits_for=parent.id if pending else None,
    )
    session.add(job)
    conversation.head_message_id = reply.id
    conversation.updated_at = func.now()
    session.flush()
    return Posted(message, reply, job, previous_is_pending=pending)


def _is_still_pending(session: Session, reply: Message) -> bool:
    """Whether it is, until this transaction ends: the reply's own end waits for that, and then
    releases whoever waits for it."""
    query = select(Message.status).where(Message.id == reply.id).with_for_update(read=True)
    return session.scalar(query) == "pending"


def _has_children(session: Session, message: Message) -> bool:
    return (
        session.scalar(select(Message.id).where(Message.parent_id == message.id).limit(1))
        is not None
    )


def rename(conversation: Conversation, title: str) -> None:
    """A title that a person gave, which nothing automatic replaces; empty restores the default."""
    conversation.title = title or DEFAULT_TITLE
    conversation.title_source = "person" if title else "default"
