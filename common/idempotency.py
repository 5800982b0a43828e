"""The Idempotency-Key: the same post again makes nothing new and gets the same ids.

The key is inserted in the turn's own transaction, so that an equal post at the same time waits
for the first to commit. A refusal rolls it back and leaves no trace.
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
from common.statement import Statement, prepared

KEPT_FOR = timedelta(days=30)

_TAKE = prepared(
    "take_key",
    """
    INSERT INTO idempotency_keys
        (user_id, key, fingerprint, conversation_id, message_id, job_id, prompt_id)
    VALUES (:user, :key, :mark, :conversation, :message, :job, :prompt)
    ON CONFLICT DO NOTHING
    RETURNING key
    """,
)
_TAKEN = Statement("""
    SELECT fingerprint, conversation_id, message_id, job_id, prompt_id FROM idempotency_keys
    WHERE user_id = :user AND key = :key
""")


@dataclass(frozen=True)
class Made:
    """The ids of what a post makes, chosen before it is made; None where it makes no such thing, or
    where that isn't needed to find the rest."""

    conversation_id: uuid.UUID | None = None
    message_id: uuid.UUID | None = None
    job_id: uuid.UUID | None = None
    prompt_id: uuid.UUID | None = None


def fingerprint(method: str, path: str, body: Any) -> bytes:
    """SHA-256 of method, path and canonical body: equal posts have equal fingerprints."""
    canonical = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(f"{method} {path}\n".encode() + canonical).digest()


def take(
    session: Transaction, user_id: uuid.UUID, key: str, mark: bytes, makes: Made
) -> Made | None:
    """Takes the key for what this post makes, or returns what an equal one made before, waiting
    for one in flight.

    Raises `idempotency_key_reused` when the key came with another request.
    """
    values = {
        "user": user_id,
        "key": key,
        "mark": mark,
        "conversation": makes.conversation_id,
        "message": makes.message_id,
        "job": makes.job_id,
        "prompt": makes.prompt_id,
    }
    if _TAKE.first(session, values) is not None:
        return None
    known = _TAKEN.one(session, {"user": user_id, "key": key})
    if bytes(known.fingerprint) != mark:
        raise EpiCodeError("idempotency_key_reused")
    return Made(known.conversation_id, known.message_id, known.job_id, known.prompt_id)


def forget_old(session: Session) -> None:
    """Drops keys older than `KEPT_FOR`."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - KEPT_FOR))
