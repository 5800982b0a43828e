"""The Idempotency-Key: the same post again makes nothing new and gets the same ids.

The key is inserted in the turn's own transaction, so that an equal post at the same time waits
for the first to commit. A refusal rolls it back and leaves no trace. Whether a post was made
before is told by its key's row, which then holds another one's ids.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import delete, func
from sqlalchemy.orm import Session

from common.db import Transaction
from common.errors import EpiCodeError
from common.models import IdempotencyKey
from common.statement import Row, Statement, prepared

KEPT_FOR = timedelta(days=30)
RETRY_SECONDS = 1

_TAKE = prepared(
    "take_key",
    """
    INSERT INTO idempotency_keys
        (user_id, key, fingerprint, conversation_id, message_id, job_id, prompt_id)
    VALUES (:user, :key, :fingerprint, :conversation, :message, :job, :prompt)
    ON CONFLICT DO NOTHING
    RETURNING key
    """,
)
# What a key was taken for; to be read along with something else, too.
TAKEN = """
    SELECT fingerprint, conversation_id, message_id, job_id, prompt_id FROM idempotency_keys
    WHERE user_id = :user AND key = :key
"""
_TAKEN = Statement(TAKEN)


@dataclass(frozen=True)
class Made:
    """The ids of what a post makes, chosen before it is made; None where it makes no such thing, or
    where that isn't needed to find the rest."""

    conversation_id: uuid.UUID | None = None
    message_id: uuid.UUID | None = None
    job_id: uuid.UUID | None = None
    prompt_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Key:
    """The key of a user's post, the fingerprint of that, and the ids of what it makes."""

    user_id: uuid.UUID
    value: str
    fingerprint: bytes
    makes: Made


class Repeated(Exception):
    """A post came again; `made` is what it made before."""

    def __init__(self, made: Made) -> None:
        super().__init__("made before")
        self.made = made


def fingerprint(method: str, path: str, body: Any) -> bytes:
    """SHA-256 of method, path and canonical body: equal posts have equal fingerprints."""
    canonical = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(f"{method} {path}\n".encode() + canonical).digest()


def take(session: Transaction, key: Key) -> None:
    """Takes the key for what this post makes, waiting for an equal one in flight. Raises as
    `check_taken` does."""
    if _TAKE.first(session, _values(key)) is None:
        check_taken(key, _TAKEN.first(session, {"user": key.user_id, "key": key.value}))


def take_later(session: Transaction, key: Key) -> None:
    """Has the key inserted along with the next statement, which must read `TAKEN`, too; whoever
    runs that gives what was read to `check_taken`, or the post is made again."""
    _TAKE.later(session, _values(key))


def check_taken(key: Key, taken: Row | None) -> None:
    """Raises Repeated if the key's row is of an equal post, `idempotency_key_reused` if of another
    one."""
    if taken is None or taken.fingerprint is None:
        # the sweep has just forgotten it: it was there to be inserted, and is not to be read
        raise EpiCodeError("database_unavailable", retry_after=RETRY_SECONDS)
    if bytes(taken.fingerprint) != key.fingerprint:
        raise EpiCodeError("idempotency_key_reused")
    made = Made(taken.conversation_id, taken.message_id, taken.job_id, taken.prompt_id)
    if made != key.makes:
        raise Repeated(made)


def _values(key: Key) -> dict[str, Any]:
    return {
        "user": key.user_id,
        "key": key.value,
        "fingerprint": key.fingerprint,
        "conversation": key.makes.conversation_id,
        "message": key.makes.message_id,
        "job": key.makes.job_id,
        "prompt": key.makes.prompt_id,
    }


def forget_old(session: Session) -> None:
    """Drops keys older than `KEPT_FOR`."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - KEPT_FOR))
