"""Who is asking: the user of a session or of an API key, read in one statement."""

import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

from common.db import Reader
from common.models.access import LOCAL_USER_ID
from common.statement import Row, Statement, prepared

# How exactly "last seen" and "last used" are known: no request writes them more often.
_SEEN_EVERY = "interval '5 minutes'"
_USER = "users.id, users.email, display_name, role, locale, users.limits"
_LASTS_SECONDS = "CAST(extract(epoch FROM expires_at - now()) AS double precision) AS lasts_seconds"
_BY_SESSION = prepared(
    "caller_by_session",
    f"""
    SELECT {_USER}, sessions.id AS session_id, NULL AS key_id, NULL AS scopes, NULL AS key_limits,
           last_seen_at < now() - {_SEEN_EVERY} AS seen_long_ago, {_LASTS_SECONDS}
    FROM sessions JOIN users ON users.id = sessions.user_id
    WHERE sha256 = :digest AND expires_at > now() AND disabled_at IS NULL
    """,
)
_BY_KEY = prepared(
    "caller_by_key",
    f"""
    SELECT {_USER}, NULL AS session_id, api_keys.id AS key_id, scopes,
           api_keys.limits AS key_limits,
           coalesce(last_used_at < now() - {_SEEN_EVERY}, true) AS seen_long_ago,
           {_LASTS_SECONDS}
    FROM api_keys JOIN users ON users.id = api_keys.user_id
    WHERE sha256 = :digest AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
      AND disabled_at IS NULL
    """,
)
_SEE_SESSION = Statement("UPDATE sessions SET last_seen_at = now() WHERE id = :id")
_SEE_KEY = Statement("UPDATE api_keys SET last_used_at = now() WHERE id = :id")


@dataclass(frozen=True)
class Caller:
    """A user, and what let him in: a session, a key with its scopes, or nothing (local mode).

    `seen_long_ago`: it is time to note that the session or key was used. `lasts_seconds`: until it
    expires; None: it doesn't.
    """

    id: uuid.UUID
    role: str
    email: str = ""
    display_name: str = ""
    locale: str = "es"
    limits: dict[str, Any] = field(default_factory=dict)
    session_id: uuid.UUID | None = None
    key_id: uuid.UUID | None = None
    scopes: tuple[str, ...] | None = None
    key_limits: dict[str, Any] = field(default_factory=dict)
    seen_long_ago: bool = False
    lasts_seconds: float | None = None

    def may(self, scope: str) -> bool:
        """Whether session or key allows it: a key does what its scopes say, a person anything."""
        return self.scopes is None or scope in self.scopes

    @property
    def is_administrator(self) -> bool:
        return self.role == "admin" and self.may("admin")


LOCAL = Caller(LOCAL_USER_ID, "admin")


def digest(secret: str) -> bytes:
    """What is kept of a key or a token: both are long and random, so no salt is needed."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def by_session(reader: Reader, token: str) -> Caller | None:
    """None: there is no such session, it has ended, or its user is disabled."""
    return _caller(_BY_SESSION.first(reader, {"digest": digest(token)}))


def by_key(reader: Reader, key: str) -> Caller | None:
    """None: there is no such key, it was revoked or has expired, or its user is disabled."""
    return _caller(_BY_KEY.first(reader, {"digest": digest(key)}))


def note_seen(reader: Reader, caller: Caller) -> None:
    """Records that session or key was used just now."""
    if caller.session_id is not None:
        _SEE_SESSION.all(reader, {"id": caller.session_id})
    elif caller.key_id is not None:
        _SEE_KEY.all(reader, {"id": caller.key_id})


def _caller(row: Row | None) -> Caller | None:
    if row is None:
        return None
    return Caller(
        id=row.id,
        role=row.role,
        email=row.email,
        display_name=row.display_name,
        locale=row.locale,
        limits=row.limits,
        session_id=row.session_id,
        key_id=row.key_id,
        scopes=tuple(row.scopes) if row.scopes is not None else None,
        key_limits=row.key_limits or {},
        seen_long_ago=row.seen_long_ago,
        lasts_seconds=row.lasts_seconds,
    )
