"""What an administrator sees of everybody: users, jobs, queue, model server. Never a text."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from common.models import Worker
from common.models.access import LOCAL_USER_ID

_USERS = text("""
    SELECT users.id, email, display_name, role, disabled_at, limits, users.created_at,
           greatest((SELECT max(last_seen_at) FROM sessions WHERE user_id = users.id),
                    (SELECT max(last_used_at) FROM api_keys WHERE user_id = users.id)) AS last_seen
    FROM users
    WHERE (CAST(:after AS uuid) IS NULL OR users.id > CAST(:after AS uuid))
      AND (CAST(:only AS uuid) IS NULL OR users.id = CAST(:only AS uuid))
      AND (users.id <> :local OR password_hash IS NOT NULL OR CAST(:only AS uuid) IS NOT NULL)
    ORDER BY users.id LIMIT :limit
""")
_JOBS = text("""
    SELECT jobs.id, jobs.kind, status, attempt, jobs.model, error, queued_at, started_at,
           finished_at, cancel_requested_at, user_id, email, display_name
    FROM jobs JOIN users ON users.id = jobs.user_id
    WHERE (CAST(:status AS text) IS NULL OR status = :status)
      AND (CAST(:user AS uuid) IS NULL OR user_id = :user)
      AND (CAST(:before AS uuid) IS NULL OR jobs.id < CAST(:before AS uuid))
      AND (CAST(:only AS uuid) IS NULL OR jobs.id = CAST(:only AS uuid))
    ORDER BY jobs.id DESC LIMIT :limit
""")
_QUEUE = text("""
    SELECT count(*) FILTER (WHERE status = 'queued') AS queued,
           count(*) FILTER (WHERE status = 'in_progress') AS in_progress,
           min(queued_at) FILTER (WHERE status = 'queued') AS oldest_queued_at
    FROM jobs WHERE status IN ('queued', 'in_progress')
""")
_MODELS = text("""
    SELECT count(*) FILTER (WHERE listed_at IS NOT NULL) AS models, max(listed_at) AS listed_at
    FROM models
""")
_PAUSED = text("SELECT id, paused_until FROM models WHERE paused_until > now() ORDER BY id")
_LAST_HOUR = text("""
    SELECT count(*) FILTER (WHERE status = 'completed') AS completed,
           count(*) FILTER (WHERE status = 'failed') AS failed
    FROM jobs
    WHERE finished_at > now() - interval '1 hour' AND started_at IS NOT NULL
""")
_LAST_ERROR = text("""
    SELECT error, finished_at FROM jobs
    WHERE status = 'failed' AND finished_at > now() - interval '1 day' AND started_at IS NOT NULL
    ORDER BY finished_at DESC LIMIT 1
""")


@dataclass(frozen=True)
class Queue:
    """How many wait and run, and since when the first has waited."""

    queued: int
    in_progress: int
    oldest_queued_at: datetime | None


@dataclass(frozen=True)
class Upstream:
    """How the model server does: what it lists, which models it asked us to spare, the last hour's
    ends, and the error of the last day's last failure."""

    models: int
    listed_at: datetime | None
    paused: list[tuple[str, datetime]]
    completed: int
    failed: int
    last_error: dict[str, Any] | None
    failed_at: datetime | None


def users(
    session: Session, *, after: uuid.UUID | None, limit: int, only: uuid.UUID | None = None
) -> Sequence[Row[Any]]:
    """Accounts, the oldest first, with when they were last seen. The user of local mode is one once
    an administrator has taken it over: nobody else can be it."""
    values = {"after": after, "only": only, "limit": limit, "local": LOCAL_USER_ID}
    return session.execute(_USERS, values).all()


def jobs(
    session: Session,
    *,
    status: str | None = None,
    user_id: uuid.UUID | None = None,
    before: uuid.UUID | None = None,
    limit: int = 1,
    only: uuid.UUID | None = None,
) -> Sequence[Row[Any]]:
    """Everybody's jobs with their owners, the latest first."""
    values = {
        "status": status,
        "user": user_id,
        "before": before,
        "only": only,
        "limit": limit,
    }
    return session.execute(_JOBS, values).all()


def workers(session: Session) -> Sequence[Worker]:
    """Those of the last hour, as `common/workers.py` keeps them."""
    return session.scalars(select(Worker).order_by(Worker.name, Worker.pid).limit(1000)).all()


def queue(session: Session) -> Queue:
    row = session.execute(_QUEUE).one()
    return Queue(row.queued, row.in_progress, row.oldest_queued_at)


def upstream(session: Session) -> Upstream:
    """As the workers found it."""
    listing = session.execute(_MODELS).one()
    paused = [(row.id, row.paused_until) for row in session.execute(_PAUSED)]
    hour = session.execute(_LAST_HOUR).one()
    last = session.execute(_LAST_ERROR).one_or_none()
    return Upstream(
        models=listing.models,
        listed_at=listing.listed_at,
        paused=paused,
        completed=hour.completed,
        failed=hour.failed,
        last_error=last.error if last else None,
        failed_at=last.finished_at if last else None,
    )
