"""Invitations: links that make one account each, within their time."""

import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from common.callers import digest
from common.errors import EpiCodeError
from common.models import Invitation

LASTS = timedelta(days=7)
FIRST_LASTS = timedelta(hours=1)


def invite(
    session: Session, by: uuid.UUID, *, email: str | None, role: str
) -> tuple[Invitation, str]:
    """A new invitation and the token of its link, which nothing ever tells again."""
    return _make(session, by=by, email=email, role=role, lasts=LASTS)


def invite_first_administrator(session: Session) -> str:
    """The token of a link that makes the first administrator; earlier ones end."""
    session.execute(delete(Invitation).where(Invitation.invited_by.is_(None)))
    return _make(session, by=None, email=None, role="admin", lasts=FIRST_LASTS)[1]


def listed(session: Session) -> Sequence[Invitation]:
    """Those that people gave and that can still be used, the latest first; two hundred at most."""
    return session.scalars(
        select(Invitation)
        .where(Invitation.expires_at > func.now(), Invitation.invited_by.is_not(None))
        .order_by(Invitation.id.desc())
        .limit(200)
    ).all()


def open_one(session: Session, token: str) -> Invitation | None:
    """The invitation of this link while it can be used. Looking at it uses nothing up."""
    return session.scalars(
        select(Invitation).where(
            Invitation.sha256 == digest(token), Invitation.expires_at > func.now()
        )
    ).one_or_none()


def take(session: Session, sha256: bytes) -> Invitation | None:
    """Uses an invitation up: of two who use it at once, one gets it."""
    return session.scalars(
        delete(Invitation)
        .where(Invitation.sha256 == sha256, Invitation.expires_at > func.now())
        .returning(Invitation)
    ).one_or_none()


def withdraw(session: Session, invitation_id: uuid.UUID) -> None:
    """Raises `not_found`."""
    gone = session.execute(
        delete(Invitation).where(Invitation.id == invitation_id).returning(Invitation.id)
    )
    if gone.one_or_none() is None:
        raise EpiCodeError("not_found")


def _make(
    session: Session, *, by: uuid.UUID | None, email: str | None, role: str, lasts: timedelta
) -> tuple[Invitation, str]:
    session.execute(delete(Invitation).where(Invitation.expires_at <= func.now()))
    token = secrets.token_urlsafe(32)
    invitation = Invitation(
        sha256=digest(token),
        email=email,
        role=role,
        invited_by=by,
        expires_at=func.now() + lasts,
    )
    session.add(invitation)
    session.flush()
    session.refresh(invitation)
    return invitation, token
