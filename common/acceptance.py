"""Whether a turn is accepted: it fits its model's window, and not too many are waiting already."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from common import branches
from common.catalogue import Limits
from common.errors import EpiCodeError
from common.machine import Status
from common.models import Conversation, Job, Message
from common.tokens import TOKENS_PER_ANSWER, TOKENS_PER_MESSAGE

TOO_MANY_RETRY_SECONDS = 30


@dataclass(frozen=True)
class WaitingCaps:
    """How many jobs may wait: of one user, and of everybody."""

    per_user: int
    in_all: int


def check_size(
    session: Session,
    conversation: Conversation,
    parent_id: uuid.UUID | None,
    limits: Limits,
    params: dict[str, Any],
    tokens: int,
) -> None:
    """Raises EpiCodeError `turn_too_long`, with both numbers, for a turn of `tokens` that can't be
    sent even alone with the system message and the pinned turns above it."""
    budget = limits.budget(params)
    needed = always_sent(session, conversation, parent_id) + tokens + TOKENS_PER_MESSAGE
    if needed > budget:
        raise EpiCodeError("turn_too_long", tokens=needed, budget=budget, model=limits.id)


def always_sent(session: Session, conversation: Conversation, leaf: uuid.UUID | None) -> int:
    """Tokens that no window below `leaf` does without: system message, pins, the answer's own."""
    pin = aliased(Message)
    is_pinned = exists().where(pin.conversation_id == conversation.id, pin.in_window == "always")
    system, any_pinned = session.execute(
        select(Message, is_pinned).where(
            Message.conversation_id == conversation.id, Message.turn_index == 0
        )
    ).one()
    needed = TOKENS_PER_ANSWER
    if system.content:
        needed += system.token_count + TOKENS_PER_MESSAGE
    if any_pinned:  # only then is the branch walked
        needed += branches.pinned_tokens(session, conversation.id, leaf)
    return needed


def check_waiting(session: Session, user_id: uuid.UUID, caps: WaitingCaps) -> None:
    """Raises EpiCodeError `too_many_waiting` for a user's flood, `queue_full` for everybody's.

    Posts of one moment don't see each other: a cap may be overshot by as many as can be written at
    once, less one, which is by the web processes' connections (four each). An exact cap would cost
    a lock that every post waits for.
    """
    # Counted anew each time, which takes some milliseconds for the default cap's 20,000: a number
    # that is kept would be one row that all posts and all ends wait for.
    mine, everybody = session.execute(
        select(func.count().filter(Job.user_id == user_id), func.count()).where(
            Job.status == Status.QUEUED
        )
    ).one()
    if mine >= caps.per_user:
        raise EpiCodeError(
            "too_many_waiting", limit=caps.per_user, retry_after=TOO_MANY_RETRY_SECONDS
        )
    if everybody >= caps.in_all:
        raise EpiCodeError("queue_full", retry_after=TOO_MANY_RETRY_SECONDS)
