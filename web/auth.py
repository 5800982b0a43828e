"""Who is asking, and whether he may: by API key, by session, or as the local user.

One SELECT finds key or session with its user, so that what was revoked ends at once.
"""

import time
import uuid
from dataclasses import dataclass

import structlog
from flask import Flask, g, request
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from common import callers
from common.callers import LOCAL, Caller
from common.errors import EpiCodeError
from web import session_cookie
from web.database import looking
from web.guard import SAFE_METHODS
from web.remembered import Credentials
from web.services import services

# What whoever has no session may call where there are accounts.
OPEN = {
    ("GET", "/api/session"),
    ("HEAD", "/api/session"),
    ("POST", "/api/session"),
    ("DELETE", "/api/session"),
    ("POST", "/api/account"),
}
# Where every call's cost counts.
POLL = "jobs.poll_job"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Visitor:
    """Whoever has signed in, for a page."""

    id: uuid.UUID
    display_name: str
    email: str
    role: str
    locale: str
    csrf_token: str


def register_auth(app: Flask) -> None:
    app.before_request(_identify)


def caller() -> Caller:
    """Whoever is asking. Raises `unauthorized` where nobody in particular may ask, too."""
    found = caller_or_none()
    if found is None:
        raise EpiCodeError("unauthorized")
    return found


def caller_or_none() -> Caller | None:
    """Whoever is asking, on the few routes that answer nobody in particular."""
    found: Caller | None = g.caller
    return found


def current_user_id() -> uuid.UUID:
    """The id of whoever is asking; every query carries it."""
    return caller().id


def person() -> Caller:
    """A caller who is no key: keys must not make keys, nor change the account that they are of.
    Raises `session_needed`."""
    found = caller()
    if found.key_id is not None:
        raise EpiCodeError("session_needed")
    return found


def account_holder() -> Caller:
    """A person with an account. Raises `session_needed`, and in local mode `accounts_needed`."""
    found = person()
    check_accounts()
    return found


def administrator() -> Caller:
    """Raises `not_found` for everybody else: what is only an administrator's isn't there."""
    found = caller()
    if not found.is_administrator:
        raise EpiCodeError("not_found")
    return found


def has_accounts() -> bool:
    return services().config.EPICODE_AUTH == "accounts"


def check_accounts() -> None:
    """Raises `accounts_needed` in local mode, where nobody signs in."""
    if not has_accounts():
        raise EpiCodeError("accounts_needed")


def visitor() -> Visitor | None:
    """Whoever the cookie says, for a page that greets him or sends him to sign in; None: nobody,
    or the cookie's session has ended. Never an error, but for a database that is away."""
    token = session_cookie.token()
    if token is None:
        return None
    with looking() as connection:
        found = callers.by_session(connection, token)
    if found is None:
        return None
    csrf = session_cookie.csrf_token(token)
    return Visitor(found.id, found.display_name, found.email, found.role, found.locale, csrf)


def look_again(user_id: uuid.UUID) -> None:
    """After a session, a key or an account was ended and that is committed: from now on nobody is
    let in to poll because he was before."""
    try:
        services().live_log.look_again(user_id)
    except RedisError as error:  # without Redis no poll is answered from memory
        log.warning("not_marked_to_look_again", error=type(error).__name__)


def _identify() -> None:
    if not request.path.startswith("/api/"):
        return
    asked_at = time.monotonic()
    authorization = request.headers.get("Authorization")
    if authorization is not None:
        g.caller = _by_key(authorization)
    elif has_accounts():
        g.caller = _by_cookie()
    else:
        g.caller = LOCAL
    if request.endpoint == POLL and g.caller is not LOCAL:
        services().remembered.remember(_credentials(), g.caller, asked_at)


def _credentials() -> Credentials:
    named = ("Host", "Authorization", "Cookie", "X-Forwarded-Proto")
    return Credentials(*(request.headers.get(name) for name in named))


def _by_key(authorization: str) -> Caller:
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise EpiCodeError("unauthorized")
    with looking() as connection:
        found = callers.by_key(connection, key.strip())
    if found is None:
        raise EpiCodeError("unauthorized")
    if not found.may("read" if request.method in SAFE_METHODS else "write"):
        raise EpiCodeError("scope_missing")
    _note_seen(found)
    return found


def _by_cookie() -> Caller | None:
    is_open = (request.method, request.path) in OPEN
    token = session_cookie.token()
    found = None
    if token is not None:
        with looking() as connection:
            found = callers.by_session(connection, token)
    if found is None:
        if not is_open:
            raise EpiCodeError("unauthorized")
        return None
    # Signing in and joining make a session of their own, whatever the old one's page knows.
    makes_a_session = is_open and request.method == "POST"
    if request.method not in SAFE_METHODS and not makes_a_session:
        session_cookie.check_csrf(token or "")
    _note_seen(found)
    return found


def _note_seen(found: Caller) -> None:
    if not found.seen_long_ago or request.endpoint == POLL:
        return
    try:
        with looking() as connection:
            callers.note_seen(connection, found)
    except SQLAlchemyError as error:  # who was seen when is nobody's reason to be refused
        log.warning("not_noted_as_seen", error=type(error).__name__)
