"""The Idempotency-Key: the same post again makes nothing new and gets the same ids.

The key is inserted in the turn's own transaction, so that an equal post at the same time waits
for the first to commit. A refusal rolls it back and leaves no trace.
"""

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from common.errors import EpiCodeError
from common.models import IdempotencyKey

KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True)
class Made:
    """The ids of what a post made."""

    conversation_id: uuid.UUID
    message_id: uuid.UUID | None = None
    job_id: uuid.UUID | None = None


def fingerprint(method: str, path: str, body: Any) -> bytes:
    """SHA-256 of method, path and canonical body: equal posts have equal fingerprints."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{method} {path}\n{canonical}".encode()).digest()


def begin(session: Session, user_id: uuid.UUID, key: str, mark: bytes) -> Made | None:
    """Takes the key, or returns what it made before. Waits for an equal post in flight.

    Raises `idempotency_key_reused` when the key came with another request.
    """
    taken = session.execute(
        insert(IdempotencyKey)
        .values(user_id=user_id, key=key, fingerprint=mark)
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    ).first()
    if taken is not None:
        return None
    known = session.scalars(
        select(IdempotencyKey).where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
    ).one()
    if known.fingerprint != mark or known.conversation_id is None:
        raise EpiCodeError("idempotency_key_reused")
    return Made(known.conversation_id, known.message_id, known.job_id)


def finish(session: Session, user_id: uuid.UUID, key: str, made: Made) -> None:
    """Records what the post made."""
    session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
        .values(
            conversation_id=made.conversation_id, message_id=made.message_id, job_id=made.job_id
        )
        .execution_options(synchronize_session=False)
    )


def forget_old(session: Session) -> None:
    """Drops keys older than `KEPT_FOR`."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - KEPT_FOR))
