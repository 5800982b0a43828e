"""Users and their API keys. A key is shown once, when it is made; only its hash is kept."""

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from common.callers import digest
from common.errors import EpiCodeError
from common.models import ApiKey, User

KEY_PREFIX = "epi_"
MOST_KEYS = 100


def create_user(session: Session, name: str) -> User:
    """The user of that name, made if there is none. The name doubles as the sign-in address."""
    user = session.scalars(select(User).where(User.email == name)).one_or_none()
    if user is None:
        user = User(email=name, display_name=name)
        session.add(user)
        session.flush()
    return user


def create_api_key(session: Session, user: User, name: str) -> str:
    """Makes a key and returns it in full, which nothing else ever does again."""
    return make_key(session, user.id, name)[1]


def make_key(
    session: Session,
    user_id: uuid.UUID,
    name: str,
    *,
    scopes: Sequence[str] = ("read", "write"),
    expires_at: datetime | None = None,
    limits: dict[str, Any] | None = None,
) -> tuple[ApiKey, str]:
    """A key, and itself in full, which nothing else ever tells again. Raises `too_many_keys`."""
    count = select(func.count()).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    if (session.scalar(count) or 0) >= MOST_KEYS:
        raise EpiCodeError("too_many_keys", limit=MOST_KEYS)
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    made = ApiKey(
        user_id=user_id,
        name=name,
        prefix=key[: len(KEY_PREFIX) + 4],
        sha256=digest(key),
        scopes=list(dict.fromkeys(scopes)),
        expires_at=expires_at,
        limits=limits or {},
    )
    session.add(made)
    session.flush()
    session.refresh(made)
    return made, key


def listed_keys(session: Session, user_id: uuid.UUID) -> Sequence[ApiKey]:
    """The user's keys that weren't revoked, the latest first."""
    return session.scalars(
        select(ApiKey)
        .where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.id.desc())
    ).all()


def revoke_key(session: Session, user_id: uuid.UUID, key_id: uuid.UUID) -> None:
    """Ends one of the user's keys, at once. Raises `not_found`."""
    revoked = session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(ApiKey.id)
    )
    if revoked.one_or_none() is None:
        raise EpiCodeError("not_found")
