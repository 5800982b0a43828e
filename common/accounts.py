"""Accounts: joining by an invitation, passwords, roles, the end of an account.

Every installation with accounts keeps an administrator who can sign in: whoever would take the
last one away is refused.
"""

import re
import uuid
from typing import Any

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.orm import Session

from common import invitations, sessions
from common.callers import digest
from common.conversations import Gone
from common.db import new_id
from common.errors import EpiCodeError
from common.machine import Status
from common.models import Job, User
from common.models.access import LOCAL_USER_ID

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_KNOWN = text("SELECT id, password_hash, disabled_at FROM users WHERE email = :email")
_ADMINISTRATORS = text("""
    SELECT id FROM users
    WHERE role = 'admin' AND password_hash IS NOT NULL AND disabled_at IS NULL
    ORDER BY id FOR UPDATE
""")
_MAKE = text("""
    INSERT INTO users (id, email, password_hash, display_name, role, locale)
    VALUES (:id, :email, :password_hash, :display_name, :role, :locale)
    ON CONFLICT DO NOTHING RETURNING id
""")
# The first administrator becomes the user of local mode, and so finds what he wrote there.
_TAKE_OVER = text("""
    UPDATE users SET email = :email, password_hash = :password_hash, display_name = :display_name,
                     role = 'admin', locale = :locale
    WHERE id = :id AND password_hash IS NULL
      AND NOT EXISTS (SELECT FROM users AS other WHERE other.email = :email AND other.id <> :id)
    RETURNING id
""")
_LOCAL_USER = text("""
    INSERT INTO users (id, email, display_name, role) VALUES (:id, 'local', 'local', 'admin')
""")


def normalised(email: str) -> str:
    """As it is kept: sign-in addresses don't tell upper from lower case."""
    return email.strip().lower()


def check_address(email: str) -> None:
    """Raises `invalid_input` for what can be no e-mail address."""
    if not _ADDRESS.fullmatch(email):
        raise wrong_field("email", "not_an_address")


def check_password(password: str, email: str, *, field: str) -> None:
    """Raises `invalid_input` about `field` for a password that is the person's own address."""
    if password.strip().lower() in (normalised(email), normalised(email).partition("@")[0]):
        raise wrong_field(field, "password_is_the_address")


def known(session: Session, email: str) -> Row[Any] | None:
    """Id, password hash and `disabled_at` of whoever has this address."""
    return session.execute(_KNOWN, {"email": normalised(email)}).one_or_none()


def join(
    session: Session,
    token: str,
    *,
    email: str,
    password_hash: str,
    display_name: str,
    locale: str,
) -> uuid.UUID:
    """Makes the account that an invitation promises, and uses the invitation up.

    Raises `invitation_invalid`, and `invalid_input` for an address that is taken or that the
    invitation isn't for.
    """
    invitation = invitations.take(session, digest(token))
    is_first = invitation is not None and invitation.invited_by is None
    if invitation is None or (is_first and has_administrator(session)):
        raise EpiCodeError("invitation_invalid")
    if invitation.email is not None and invitation.email != normalised(email):
        raise wrong_field("email", "another_address")
    return make(
        session,
        email=email,
        password_hash=password_hash,
        display_name=display_name,
        role=invitation.role,
        locale=locale,
        is_first=is_first,
    )


def make(
    session: Session,
    *,
    email: str,
    password_hash: str,
    display_name: str,
    role: str,
    locale: str = "es",
    is_first: bool = False,
) -> uuid.UUID:
    """A new account; the first administrator takes over what local mode has written. Raises
    `invalid_input` for an address that is taken."""
    values = {
        "id": LOCAL_USER_ID if is_first else new_id(),
        "email": normalised(email),
        "password_hash": password_hash,
        "display_name": display_name.strip() or normalised(email),
        "role": role,
        "locale": locale,
    }
    made: uuid.UUID | None = session.execute(_TAKE_OVER if is_first else _MAKE, values).scalar()
    if made is None:
        raise wrong_field("email", "taken")
    return made


def has_administrator(session: Session) -> bool:
    """Whether somebody can sign in as one. The administrators are locked until the commit."""
    return bool(session.execute(_ADMINISTRATORS).all())


def set_password(
    session: Session, user_id: uuid.UUID, password_hash: str, *, keep: uuid.UUID | None = None
) -> None:
    """A new password, which ends every session but `keep`."""
    session.execute(update(User).where(User.id == user_id).values(password_hash=password_hash))
    sessions.end_all(session, user_id, but=keep)


def change(
    session: Session,
    user_id: uuid.UUID,
    *,
    role: str | None = None,
    disabled: bool | None = None,
    limits: dict[str, Any] | None = None,
) -> User:
    """What an administrator changes of an account; None leaves it. A new role or disabling ends its
    sessions; `limits` replace those that they name. Raises `not_found`, `last_administrator`."""
    if role == "member" or disabled:
        check_not_last(session, user_id)
    user = session.scalars(select(User).where(User.id == user_id).with_for_update()).one_or_none()
    if user is None:
        raise EpiCodeError("not_found")
    if (role is not None and role != user.role) or disabled:
        sessions.end_all(session, user_id)
    user.role = role or user.role
    if disabled is not None:
        user.disabled_at = (user.disabled_at or func.now()) if disabled else None
    if limits is not None:
        user.limits = {
            name: value for name, value in {**user.limits, **limits}.items() if value is not None
        }
    session.flush()
    return user


def check_not_last(session: Session, user_id: uuid.UUID) -> None:
    """Raises `last_administrator` when nobody else could sign in as one."""
    if [row.id for row in session.execute(_ADMINISTRATORS)] == [user_id]:
        raise EpiCodeError("last_administrator")


def remove(session: Session, user_id: uuid.UUID) -> list[Gone]:
    """Deletes an account with all that it owns. Returns its jobs, as `conversations.remove` does.
    Raises `last_administrator`."""
    check_not_last(session, user_id)
    # Many conversations go at once, which may take longer than a request's usual statement.
    session.execute(text("SET LOCAL statement_timeout = '60s'"))
    # Jobs before messages, as in conversations.remove.
    jobs = session.execute(
        select(Job.id, Job.attempt, Job.status)
        .where(Job.user_id == user_id)
        .order_by(Job.id)
        .with_for_update()
    )
    gone = [Gone(row.id, row.attempt, row.status == Status.IN_PROGRESS) for row in jobs]
    session.execute(delete(User).where(User.id == user_id))
    if user_id == LOCAL_USER_ID:
        session.execute(_LOCAL_USER, {"id": LOCAL_USER_ID})
    return gone


def wrong_field(name: str, reason: str) -> EpiCodeError:
    """`invalid_input` about one field."""
    return EpiCodeError("invalid_input", fields=[{"field": name, "key": f"invalid.{reason}"}])
