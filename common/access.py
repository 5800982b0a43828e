"""Users and their API keys. A key is shown once, when it is made; only its hash is kept."""

import hashlib
import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.models import ApiKey, User

KEY_PREFIX = "epi_"


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
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    session.add(
        ApiKey(
            user_id=user.id,
            name=name,
            prefix=key[: len(KEY_PREFIX) + 4],
            sha256=hashlib.sha256(key.encode()).digest(),
        )
    )
    session.flush()
    return key
