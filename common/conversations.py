"""What may be done with a conversation: post, regenerate, take back, switch branch, delete.

Rules take a session and never commit: the door does, once. Everything is found through its owner,
so another user's conversation is as absent as one that never was. Whoever changes the tree locks
the conversation's row first.
"""

import uuid
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from common import branches, idempotency, spending, turns
from common.acceptance import WaitingCaps, always_sent, check_size, check_waiting, grounds
from common.catalogue import Catalogue
from common.db import Transaction, new_id
from common.errors import EpiCodeError
from common.idempotency import Key
from common.machine import Status
from common.models import Conversation, Job, Message
from common.models.conversation import DEFAULT_TITLE
from common.statement import Row, columns_of, prepared
from common.tokens import count_tokens
from common.turns import Asked, Posted

# NO KEY UPDATE: a claim in this conversation needs its key only, and must not wait for us.
# What it finds is read by `grounds`.
_LOCK = prepared(
    "lock_conversation",
    "SELECT FROM conversations WHERE id = :id AND user_id = :user FOR NO KEY UPDATE",
)


# Foreign keys are looked at when a statement ends, so that the two may name each other.
_CREATE = prepared(
    "create_conversation",
    f"""
    WITH made AS (
        INSERT INTO conversations
            (id, user_id, title, title_source, model, params, kind, head_message_id)
        VALUES (:id, :user, :title, :title_source, :model, CAST(:params AS jsonb), :kind, :root)
        RETURNING {columns_of(Conversation.__table__)}
    ), root AS (
        INSERT INTO messages (id, conversation_id, turn_index, role, content, token_count)
        VALUES (:root, :id, 0, 'system', :prompt, :tokens)
    )
    SELECT * FROM made
    """,
)

InWindow = Literal["auto", "always", "never"]


@dataclass(frozen=True)
class Gone:
    """A job that went with its conversation: its last attempt, and whether that was running."""

    job_id: uuid.UUID
    attempt: int
    was_running: bool


def create(
    session: Transaction,
    user_id: uuid.UUID,
    *,
    system_prompt: str,
    title: str | None = None,
    model: str | None = None,
    params: dict[str, Any] | None = None,
    kind: Literal["chat", "ask"] = "chat",
    conversation_id: uuid.UUID | None = None,
) -> Row:
    """Makes a conversation with its root, the system message; its id is new unless it is given.
    The conversation's row, as it was written."""
    values = {
        "id": conversation_id or new_id(),
        "user": user_id,
        "title": title or DEFAULT_TITLE,
        "title_source": "person" if title else "default",
        "model": model,
        "params": orjson.dumps(params or {}).decode(),
        "kind": kind,
        "root": new_id(),
        "prompt": system_prompt,
        "tokens": count_tokens(system_prompt),
    }
    return _CREATE.one(session, values)


def find(
    session: Session, user_id: uuid.UUID, conversation_id: uuid.UUID, *, lock: bool = False
) -> Conversation:
    """The user's conversation; `lock` keeps others from changing its tree. Raises `not_found`."""
    query = select(Conversation).where(
        Conversation.id == conversation_id, Conversation.user_id == user_id
    )
    if lock:
        # as _LOCK
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
    session: Transaction,
    user_id: uuid.UUID,
    conversation_id: uuid.UUID,
    *,
    content: str,
    catalogue: Catalogue,
    caps: WaitingCaps,
    model: str | None = None,
    parent_id: uuid.UUID | None = None,
    on_busy: Literal["queue", "reject"] = "queue",
    in_window: InWindow = "auto",
    params: dict[str, Any] | None = None,
    message_id: uuid.UUID | None = None,
    job_id: uuid.UUID | None = None,
    key: Key | None = None,
    request_id: str | None = None,
) -> Posted:
    """Writes the user's turn, its pending reply and the queued job, and takes the post's key.

    `parent_id` None hangs the turn from the head; turn and job get new ids unless they are given.
    Raises `not_found`, `invalid_parent`,
    `conversation_busy` (with the job in flight), `turn_too_long`, `model_unavailable`,
    and what `check_waiting` does; before all of that but `not_found` what `idempotency.check_taken`
    does.
    """
    if key is not None:
        idempotency.take_later(session, key)
    _LOCK.later(session, {"id": conversation_id, "user": user_id})
    found = grounds(session, user_id, conversation_id, parent_id, caps, key)
    conversation, parent = found.conversation, found.parent
    # After PATCH the head may be a user's turn only if its reply is gone; turns hang from replies.
    if parent is None or parent.role == "user":
        raise EpiCodeError("invalid_parent")
    if parent.status == "pending" and on_busy == "reject":
        in_flight = session.scalar(select(Job.id).where(Job.reply_message_id == parent.id))
        raise EpiCodeError("conversation_busy", job_id=str(in_flight))
    limits = catalogue.choose(session, model or conversation.model, found.listing)
    effective = conversation.params | (params or {})
    tokens = count_tokens(content)
    check_size(session, found, limits, effective, tokens)
    check_waiting(found, caps)
    turn = turns.Turn(message_id or new_id(), content, tokens, in_window)
    reserved = caps.reserve(found, limits, effective, tokens)
    asked = Asked(job_id or new_id(), limits.id, effective, request_id, caps.key_id, reserved)
    return turns.write_turn(session, found, parent, turn, asked)


def regenerate(
    session: Session,
    user_id: uuid.UUID,
    message_id: uuid.UUID,
    *,
    catalogue: Catalogue,
    caps: WaitingCaps,
    model: str | None = None,
    params: dict[str, Any] | None = None,
    job_id: uuid.UUID | None = None,
    request_id: str | None = None,
) -> Posted:
    """Another reply to a user's turn, beside those that it has. Raises as `post_message` does."""
    found = find_message(session, user_id, message_id)
    _LOCK.later(session, {"id": found.conversation_id, "user": user_id})
    # Read again under the lock: the turn may have been taken back meanwhile.
    message = find_message(session, user_id, message_id)
    below = grounds(session, user_id, found.conversation_id, message.parent_id, caps)
    conversation = below.conversation
    if message.role != "user" or below.parent is None:
        raise EpiCodeError("invalid_parent")
    limits = catalogue.choose(session, model or conversation.model, below.listing)
    effective = conversation.params | (params or {})
    check_size(session, below, limits, effective, message.token_count)
    check_waiting(below, caps)
    reserved = caps.reserve(below, limits, effective, message.token_count)
    asked = Asked(job_id or new_id(), limits.id, effective, request_id, caps.key_id, reserved)
    return turns.write_reply(session, below, below.parent, message, asked)


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
    in_window: InWindow,
    catalogue: Catalogue,
) -> Message:
    """Pins a message to the window, or leaves it out. Raises `pins_too_long` with the numbers."""
    found = find_message(session, user_id, message_id)
    conversation = find(session, user_id, found.conversation_id, lock=True)
    message = find_message(session, user_id, message_id)
    message.in_window = in_window
    session.flush()
    if in_window == "always":
        leaf = branches.newest_leaf(session, conversation.id, message.id)
        below = grounds(session, user_id, conversation.id, leaf)
        limits = catalogue.choose(session, conversation.model, below.listing)
        tokens = always_sent(session, below, leaf)
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
    spending.keep(session, conversation.id)
    session.execute(delete(Conversation).where(Conversation.id == conversation.id))
    return gone


def _has_children(session: Session, message: Message) -> bool:
    return (
        session.scalar(select(Message.id).where(Message.parent_id == message.id).limit(1))
        is not None
    )


def rename(conversation: Conversation, title: str) -> None:
    """A title that a person gave, which nothing automatic replaces; empty restores the default."""
    conversation.title = title or DEFAULT_TITLE
    conversation.title_source = "person" if title else "default"
