"""Writing a turn: the message, its pending reply and the queued job, in one statement."""

import uuid
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from common import branches
from common.acceptance import Parent
from common.allowance import NOTHING_RESERVED, Reservation
from common.branches import Beside
from common.db import new_id
from common.models import Job, Message
from common.prepared import prepared

_MESSAGE = """
    INSERT INTO messages (id, conversation_id, parent_id, turn_index, role, content, status, model,
                          token_count, in_window)
"""
_TURN = f"""
    turn AS ({_MESSAGE}
        VALUES (:turn, :conversation, :parent, :depth, 'user', :content, 'completed', NULL, :tokens,
                :in_window)
    ),
"""


def _writing(name: str, turn: str) -> TextClause:
    # Foreign keys are looked at when a statement ends, so that its parts may name each other.
    return prepared(
        name,
        f"""
        WITH {turn}
        reply AS ({_MESSAGE}
            VALUES (:reply, :conversation, :turn, :depth + 1, 'assistant', '', 'pending', :model, 0,
                    'auto')
        ),
        job AS (
            INSERT INTO jobs (id, user_id, conversation_id, prompt_message_id, reply_message_id,
                              kind, model, params, waits_for, request_id, key_id,
                              reserved_tokens, reserved_cost)
            VALUES (:job, :user, :conversation, :turn, :reply, :kind, :model,
                    CAST(:params AS jsonb), :waits_for, :request_id, :key, :reserved_tokens,
                    :reserved_cost)
        )
        UPDATE conversations SET head_message_id = :reply, updated_at = now()
        WHERE id = :conversation
        RETURNING updated_at
    """,
    )


_WRITE_TURN = _writing("write_turn", _TURN)
_WRITE_REPLY = _writing("write_reply", "")
_STATUS_HELD = text("SELECT status FROM messages WHERE id = :id FOR SHARE")


@dataclass(frozen=True)
class Posted:
    """A turn that was accepted: the user's message, its pending reply, the queued job, what is
    shown beside the two messages, and whether the reply that they hang from is still being said.

    The three are as their rows were written, and of no session.
    """

    message: Message
    reply: Message
    job: Job
    beside: dict[uuid.UUID, Beside]
    previous_is_pending: bool


@dataclass(frozen=True)
class Asked:
    """The job that a turn is to have: its id, its model, the params that the call gets, the id of
    the request that asked, by which its log lines are found in both doors; which API key asks, and
    what counts as spent until the job ends."""

    job_id: uuid.UUID
    model: str
    params: dict[str, Any]
    request_id: str | None = None
    key_id: uuid.UUID | None = None
    reserved: Reservation = NOTHING_RESERVED


def write_turn(
    session: Session,
    conversation: Row[Any],
    parent: Parent,
    message: Message,
    asked: Asked,
) -> Posted:
    """Hangs a new turn from `parent`, with its pending reply and its job. `message` needs its id,
    content, token count and mark for the window; `conversation` is the locked row. The reply
    becomes its head."""
    message.conversation_id = conversation.id
    message.parent_id, message.turn_index = parent.id, parent.turn_index + 1
    message.role, message.status = "user", "completed"
    reply, job = _pending(session, conversation, parent, message, asked)
    own = {
        "content": message.content,
        "tokens": message.token_count,
        "in_window": message.in_window,
    }
    values = _values(parent, message, reply, job) | own
    now = session.execute(_WRITE_TURN, values).scalar_one()
    message.created_at = reply.created_at = job.queued_at = now
    beside = {
        message.id: Beside([*parent.hanging, message.id], None),
        reply.id: Beside([reply.id], job),
    }
    return Posted(message, reply, job, beside, job.waits_for is not None)


def write_reply(
    session: Session,
    conversation: Row[Any],
    parent: Parent,
    message: Message,
    asked: Asked,
) -> Posted:
    """Hangs another pending reply, with its job, from a turn that is there."""
    reply, job = _pending(session, conversation, parent, message, asked)
    values = _values(parent, message, reply, job)
    reply.created_at = job.queued_at = session.execute(_WRITE_REPLY, values).scalar_one()
    beside = branches.beside(session, [message, reply], jobs=[job])
    return Posted(message, reply, job, beside, job.waits_for is not None)


def _pending(
    session: Session, conversation: Row[Any], parent: Parent, message: Message, asked: Asked
) -> tuple[Message, Job]:
    """Reply and job as they will be written, but for the time."""
    reply = Message(
        id=new_id(),
        conversation_id=conversation.id,
        parent_id=message.id,
        turn_index=parent.turn_index + 2,
        role="assistant",
        content="",
        in_window="auto",
        status="pending",
        model=asked.model,
        token_count=0,
    )
    waits = parent.status == "pending" and _is_still_pending(session, parent.id)
    job = Job(
        id=asked.job_id,
        user_id=conversation.user_id,
        conversation_id=conversation.id,
        prompt_message_id=message.id,
        reply_message_id=reply.id,
        kind="ask" if conversation.kind == "ask" else "reply",
        model=asked.model,
        params=asked.params,
        status="queued",
        attempt=0,
        failures=0,
        attempts=[],
        request_id=asked.request_id,
        waits_for=parent.id if waits else None,
        key_id=asked.key_id,
        reserved_tokens=asked.reserved.tokens,
        reserved_cost=asked.reserved.cost,
    )
    return reply, job


def _is_still_pending(session: Session, reply_id: uuid.UUID) -> bool:
    """Whether it is, until this transaction ends: the reply's own end waits for that, and then
    releases whoever waits for it."""
    return bool(session.execute(_STATUS_HELD, {"id": reply_id}).scalar() == "pending")


def _values(parent: Parent, message: Message, reply: Message, job: Job) -> dict[str, Any]:
    return {
        "conversation": job.conversation_id,
        "user": job.user_id,
        "parent": parent.id,
        "turn": message.id,
        "depth": parent.turn_index + 1,
        "reply": reply.id,
        "job": job.id,
        "kind": job.kind,
        "model": job.model,
        "params": orjson.dumps(job.params).decode(),
        "waits_for": job.waits_for,
        "request_id": job.request_id,
        "key": job.key_id,
        "reserved_tokens": job.reserved_tokens,
        "reserved_cost": job.reserved_cost,
    }
