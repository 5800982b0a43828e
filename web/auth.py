"""Who is asking: a bearer key's user, else, in local mode, the local user."""

import hashlib
import uuid

from flask import Flask, g, request
from sqlalchemy import text

from common.errors import EpiCodeError
from common.models.access import LOCAL_USER_ID
from web.database import looking

_OWNER = text("""
    SELECT users.id FROM api_keys JOIN users ON users.id = api_keys.user_id
    WHERE sha256 = :digest AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
      AND disabled_at IS NULL
""")


def register_auth(app: Flask) -> None:
    app.before_request(_identify)


def current_user_id() -> uuid.UUID:
    """The id of whoever is asking; every query carries it."""
    return g.user_id  # type: ignore[no-any-return]


def _identify() -> None:
    if not request.path.startswith("/api/"):
        return
    authorization = request.headers.get("Authorization")
    if authorization is None:
        g.user_id = LOCAL_USER_ID
        return
    scheme, _, key = authorization.partition(" ")
    user_id = _owner_of(key.strip()) if scheme.lower() == "bearer" else None
    if user_id is None:
        raise EpiCodeError("unauthorized")
    g.user_id = user_id


def _owner_of(key: str) -> uuid.UUID | None:
    """The user of an API key that is neither revoked nor expired nor its user disabled."""
    digest = hashlib.sha256(key.encode("utf-8", "replace")).digest()
    with looking() as connection:
        return connection.execute(_OWNER, {"digest": digest}).scalar()
