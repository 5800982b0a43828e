"""Whether a turn is accepted: it fits its model's window, and not too many are waiting already."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common import allowance, branches, idempotency
from common.allowance import NOTHING_RESERVED, Allowance, Reservation
from common.catalogue import Limits, Listing
from common.db import Transaction
from common.errors import EpiCodeError
from common.idempotency import Key
from common.statement import Row, prepared
from common.tokens import TOKENS_PER_ANSWER, TOKENS_PER_MESSAGE

TOO_MANY_RETRY_SECONDS = 30

# The waiting are counted anew each time, which takes some milliseconds for the default cap's
# 20,000: a number that is kept would be one row that all posts and all ends wait for.
_COLUMNS = """
    SELECT now() AS now, conversation.id, conversation.user_id, conversation.kind,
           conversation.model, conversation.params,
           root.content <> '' AS has_system, root.token_count,
           parent.id AS parent_id, parent.role AS parent_role, parent.status AS parent_status,
           parent.turn_index AS parent_depth,
           EXISTS (
               SELECT FROM messages AS pin
               WHERE pin.conversation_id = conversation.id AND pin.in_window = 'always'
           ) AS any_pinned,
           ARRAY (
               SELECT id FROM messages AS beside
               WHERE beside.parent_id = parent.id ORDER BY id
           ) AS hanging,
           line.waiting, line.waiting_in_all,
           listing.listed, listing.listed_at,
           taken.*
"""
_FROM = f"""
    FROM (SELECT count(*) AS listed, max(listed_at) AS listed_at
          FROM models WHERE listed_at IS NOT NULL) AS listing,
         (SELECT count(*) FILTER (WHERE user_id = :user) AS waiting, count(*) AS waiting_in_all
          FROM jobs WHERE status = 'queued') AS line,
         conversations AS conversation
         JOIN messages AS root ON root.conversation_id = conversation.id AND root.turn_index = 0
         LEFT JOIN messages AS parent
           -- opaque, or it might be looked for along the conversation's index, in all of it
           ON parent.id = coalesce(:parent, conversation.head_message_id)
          AND CASE WHEN parent.conversation_id = conversation.id THEN true END
         LEFT JOIN ({idempotency.TAKEN}) AS taken ON true
    WHERE conversation.id = :conversation AND conversation.user_id = :user
"""
_GROUNDS = prepared("grounds", f"{_COLUMNS}, NULL AS spent {_FROM}")
_GROUNDS_WITH_SPENT = prepared(
    "grounds_with_spent",
    f"{_COLUMNS}, (SELECT to_jsonb(spent) FROM ({allowance.SPENT}) AS spent) AS spent {_FROM}",
)


@dataclass(frozen=True)
class WaitingCaps:
    """How many jobs may wait: of one user, and of everybody; and what else limits this post (None:
    nothing, and nobody counts)."""

    per_user: int
    in_all: int
    allowance: Allowance | None = None

    def reserve(
        self, found: "Grounds", limits: Limits, params: dict[str, Any], tokens: int
    ) -> Reservation:
        """What a turn of `tokens` counts with until its reply has ended."""
        if self.allowance is None:
            return NOTHING_RESERVED
        return allowance.reservation(limits, params, found.system_tokens + tokens)

    @property
    def key_id(self) -> uuid.UUID | None:
        """The API key that posts."""
        return self.allowance.key_id if self.allowance else None


@dataclass(frozen=True)
class Parent:
    """The message that a new turn or reply is to hang from, and the ids that hang there already."""

    id: uuid.UUID
    role: str
    status: str
    turn_index: int
    hanging: list[uuid.UUID]


@dataclass(frozen=True)
class Grounds:
    """What decides whether a turn is accepted, as it is under the conversation's lock.

    `conversation` is its row: what a turn needs of it. `now` is the transaction's time. `parent`
    None: there is no such message in the conversation. `listing` marks the state of the
    server's list of models. `system_tokens` are what the system message takes of every window.
    `spent` is what the user and the key did and spent; None: not counted.
    """

    conversation: Row
    now: datetime
    parent: Parent | None
    system_tokens: int
    any_pinned: bool
    waiting: int
    waiting_in_all: int
    listing: Listing
    spent: dict[str, Any] | None = None


def grounds(
    session: Transaction,
    user_id: uuid.UUID,
    conversation_id: uuid.UUID,
    parent_id: uuid.UUID | None,
    caps: WaitingCaps | None = None,
    key: Key | None = None,
) -> Grounds:
    """Reads them in one statement, which comes after the one that took the lock: only then does it
    see what whoever held it before has written. `parent_id` None: the conversation's head; `key`:
    one that is being taken. Raises EpiCodeError `not_found` for a conversation that isn't the
    user's, and what `idempotency.check_taken` does."""
    values = {
        "user": user_id,
        "conversation": conversation_id,
        "parent": parent_id,
        "key": key.value if key else None,
    }
    statement = _GROUNDS
    if caps and caps.allowance and caps.allowance.needs_counting:
        statement = _GROUNDS_WITH_SPENT
        values |= allowance.marks(datetime.now(UTC)) | {"api_key": caps.key_id}
    row = statement.first(session, values)
    if row is None:
        raise EpiCodeError("not_found")
    if key is not None:
        idempotency.check_taken(key, row)
    parent = None
    if row.parent_id is not None:
        parent = Parent(
            row.parent_id, row.parent_role, row.parent_status, row.parent_depth, row.hanging
        )
    return Grounds(
        conversation=row,
        now=row.now,
        parent=parent,
        system_tokens=row.token_count + TOKENS_PER_MESSAGE if row.has_system else 0,
        any_pinned=row.any_pinned,
        waiting=row.waiting,
        waiting_in_all=row.waiting_in_all,
        listing=(row.listed, row.listed_at),
        spent=row.spent,
    )


def check_size(
    session: Transaction, found: Grounds, limits: Limits, params: dict[str, Any], tokens: int
) -> None:
    """Raises EpiCodeError `turn_too_long`, with both numbers, for a turn of `tokens` that can't be
    sent even alone with the system message and the pinned turns above it."""
    assert found.parent is not None
    budget = limits.budget(params)
    needed = always_sent(session, found, found.parent.id) + tokens + TOKENS_PER_MESSAGE
    if needed > budget:
        raise EpiCodeError("turn_too_long", tokens=needed, budget=budget, model=limits.id)


def always_sent(session: Transaction, found: Grounds, leaf: uuid.UUID | None) -> int:
    """Tokens that no window below `leaf` does without: system message, pins, the answer's own."""
    needed = TOKENS_PER_ANSWER + found.system_tokens
    if found.any_pinned:  # only then is the branch walked
        needed += branches.pinned_tokens(session, found.conversation.id, leaf)
    return needed


def check_waiting(found: Grounds, caps: WaitingCaps) -> None:
    """Raises EpiCodeError `too_many_waiting` for a user's flood, `queue_full` for everybody's, and
    what `allowance.check` does.

    Posts of one moment don't see each other: a cap may be overshot by as many as can be written at
    once, less one, which is by the web processes' connections (four each). An exact cap would cost
    a lock that every post waits for.
    """
    if found.waiting >= caps.per_user:
        raise EpiCodeError(
            "too_many_waiting", limit=caps.per_user, retry_after=TOO_MANY_RETRY_SECONDS
        )
    if found.waiting_in_all >= caps.in_all:
        raise EpiCodeError("queue_full", retry_after=TOO_MANY_RETRY_SECONDS)
    if caps.allowance and found.spent is not None:
        allowance.check(caps.allowance, found.spent, datetime.now(UTC))
