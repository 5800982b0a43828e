"""Writing a turn: the message, its pending reply and the queued job, in one statement."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.orm import Session

from common import branches
from common.acceptance import Grounds, Parent
from common.allowance import NOTHING_RESERVED, Reservation
from common.branches import Beside
from common.db import Transaction, new_id
from common.models import Job, Message
from common.statement import Row, Statement, prepared, row_of

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


def _writing(name: str, turn: str) -> Statement:
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
    """,
    )


_WRITE_TURN = _writing("write_turn", _TURN)
_WRITE_REPLY = _writing("write_reply", "")
_STATUS_HELD = Statement("SELECT status FROM messages WHERE id = :id FOR SHARE")
_MESSAGE_ROW = row_of(Message.__table__)
_JOB_ROW = row_of(Job.__table__)


@dataclass(frozen=True)
class Posted:
    """A turn that was accepted: the user's message, its pending reply, the queued job, what is
    shown beside the two messages, and whether the reply that they hang from is still being said.

    What was written is as its rows are, and of no session.
    """

    message: Message | Row
    reply: Row
    job: Row
    beside: dict[uuid.UUID, Beside]
    previous_is_pending: bool


@dataclass(frozen=True)
class Turn:
    """A user's turn: its id, what it says, its o200k tokens, its mark for the window."""

    id: uuid.UUID
    content: str
    tokens: int
    in_window: str


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
    session: Transaction, found: Grounds, parent: Parent, turn: Turn, asked: Asked
) -> Posted:
    """Hangs a new turn from `parent`, with its pending reply and its job; the reply becomes the
    head of the locked conversation. It is written with whatever is sent next: the COMMIT."""
    values = _values(session, found, parent, turn.id, asked)
    values |= {"content": turn.content, "tokens": turn.tokens, "in_window": turn.in_window}
    _WRITE_TURN.later(session, values)
    message = _MESSAGE_ROW(
        id=turn.id,
        conversation_id=values["conversation"],
        parent_id=parent.id,
        turn_index=values["depth"],
        role="user",
        content=turn.content,
        in_window=turn.in_window,
        status="completed",
        token_count=turn.tokens,
        created_at=found.now,
        imported=False,
    )
    reply, job = _pending(values, asked, found.now)
    beside = {
        turn.id: Beside([*parent.hanging, turn.id], None),
        reply.id: Beside([reply.id], job),
    }
    return Posted(message, reply, job, beside, job.waits_for is not None)


def write_reply(
    session: Session, found: Grounds, parent: Parent, message: Message, asked: Asked
) -> Posted:
    """Hangs another pending reply, with its job, from a turn that is there."""
    values = _values(session, found, parent, message.id, asked)
    _WRITE_REPLY.later(session, values)
    reply, job = _pending(values, asked, found.now)
    beside = branches.beside(session, [message, reply], jobs=[job])
    return Posted(message, reply, job, beside, job.waits_for is not None)


def _values(
    session: Transaction, found: Grounds, parent: Parent, turn_id: uuid.UUID, asked: Asked
) -> dict[str, Any]:
    conversation = found.conversation
    waits = parent.status == "pending" and _is_still_pending(session, parent.id)
    return {
        "conversation": conversation.id,
        "user": conversation.user_id,
        "parent": parent.id,
        "turn": turn_id,
        "depth": parent.turn_index + 1,
        "reply": new_id(),
        "job": asked.job_id,
        "kind": "ask" if conversation.kind == "ask" else "reply",
        "model": asked.model,
        "params": orjson.dumps(asked.params).decode(),
        "waits_for": parent.id if waits else None,
        "request_id": asked.request_id,
        "key": asked.key_id,
        "reserved_tokens": asked.reserved.tokens,
        "reserved_cost": asked.reserved.cost,
    }


def _is_still_pending(session: Transaction, reply_id: uuid.UUID) -> bool:
    """Whether it is, until this transaction ends: the reply's own end waits for that, and then
    releases whoever waits for it."""
    return bool(_STATUS_HELD.scalar(session, {"id": reply_id}) == "pending")


def _pending(values: dict[str, Any], asked: Asked, now: datetime) -> tuple[Row, Row]:
    """Reply and job as they were written."""
    reply = _MESSAGE_ROW(
        id=values["reply"],
        conversation_id=values["conversation"],
        parent_id=values["turn"],
        turn_index=values["depth"] + 1,
        role="assistant",
        content="",
        in_window="auto",
        status="pending",
        model=asked.model,
        token_count=0,
        created_at=now,
        imported=False,
    )
    job = _JOB_ROW(
        id=asked.job_id,
        user_id=values["user"],
        key_id=asked.key_id,
        conversation_id=values["conversation"],
        prompt_message_id=values["turn"],
        reply_message_id=reply.id,
        kind=values["kind"],
        model=asked.model,
        params=asked.params,
        status="queued",
        attempt=0,
        failures=0,
        waits_for=values["waits_for"],
        attempts=[],
        reserved_tokens=asked.reserved.tokens,
        reserved_cost=asked.reserved.cost,
        request_id=asked.request_id,
        queued_at=now,
    )
    return reply, job
