"""Sessions of signed-in browsers. They live in the table, so that ending one ends it at once."""

import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from common.callers import digest
from common.errors import EpiCodeError
from common.models import SignInFailure, UserSession

USER_AGENT_LENGTH = 200
# Within this time so many refused sign-ins are borne: from one address for one name; and, so that
# neither many names nor many addresses help, ten times as many of either.
ATTEMPTS_COUNT_FOR = timedelta(minutes=15)
_TIMES_AS_MANY = 10

_FAILURES = text("""
    SELECT count(*) FILTER (WHERE address = :address AND name = :name) AS of_both,
           count(*) FILTER (WHERE address = :address) AS of_address,
           count(*) FILTER (WHERE name = :name) AS of_name
    FROM sign_in_failures
    WHERE failed_at > now() - :lately AND (address = :address OR name = :name)
""")


def begin(session: Session, user_id: uuid.UUID, *, user_agent: str, lasts: timedelta) -> str:
    """A new session; its token, which goes into the cookie and is kept only as a hash."""
    token = secrets.token_urlsafe(32)
    printable = "".join(letter for letter in user_agent if letter.isprintable())
    session.add(
        UserSession(
            user_id=user_id,
            sha256=digest(token),
            user_agent=printable[:USER_AGENT_LENGTH],
            expires_at=func.now() + lasts,
        )
    )
    session.execute(delete(UserSession).where(UserSession.expires_at <= func.now()))
    session.flush()
    return token


def listed(session: Session, user_id: uuid.UUID) -> Sequence[UserSession]:
    """The user's sessions that last, the latest first; a hundred at most."""
    return session.scalars(
        select(UserSession)
        .where(UserSession.user_id == user_id, UserSession.expires_at > func.now())
        .order_by(UserSession.id.desc())
        .limit(100)
    ).all()


def end(session: Session, user_id: uuid.UUID, session_id: uuid.UUID) -> None:
    """Ends one of the user's sessions. Raises `not_found`."""
    ended = session.execute(
        delete(UserSession)
        .where(UserSession.id == session_id, UserSession.user_id == user_id)
        .returning(UserSession.id)
    )
    if ended.one_or_none() is None:
        raise EpiCodeError("not_found")


def end_quietly(session: Session, session_id: uuid.UUID) -> None:
    """Ends a session, if it hasn't ended already."""
    session.execute(delete(UserSession).where(UserSession.id == session_id))


def end_all(session: Session, user_id: uuid.UUID, *, but: uuid.UUID | None = None) -> None:
    """Ends the user's sessions, all or all but one."""
    ending = delete(UserSession).where(UserSession.user_id == user_id)
    session.execute(ending if but is None else ending.where(UserSession.id != but))


def check_attempts(session: Session, address: str, name: str, most: int) -> None:
    """Raises `too_many_attempts` when this address or this name was refused too often lately."""
    found = session.execute(_FAILURES, _subjects(address, name) | {"lately": ATTEMPTS_COUNT_FOR})
    row = found.one()
    if row.of_both >= most or max(row.of_address, row.of_name) >= most * _TIMES_AS_MANY:
        raise EpiCodeError("too_many_attempts", retry_after=ATTEMPTS_COUNT_FOR.total_seconds())


def note_failure(session: Session, address: str, name: str) -> None:
    """Remembers a refused sign-in, and forgets those that don't count any more."""
    old = SignInFailure.failed_at < func.now() - ATTEMPTS_COUNT_FOR
    session.execute(delete(SignInFailure).where(old))
    session.add(SignInFailure(**_subjects(address, name)))
    session.flush()


def _subjects(address: str, name: str) -> dict[str, bytes]:
    return {"address": digest(address), "name": digest(name)}
