"""Everybody's jobs, for whoever runs the machine: the newest first, with their owners' names."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from common.db import Reader
from common.models import Job, User


@dataclass(frozen=True)
class Glimpse:
    """A job as an operator sees it: never what was asked or said."""

    id: uuid.UUID
    status: str
    kind: str
    model: str
    attempt: int
    owner: str
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    lease_owner: str | None
    error_code: str | None


def newest_jobs(session: Reader, *, status: str | None, limit: int) -> Sequence[Glimpse]:
    """At most `limit`, of one status or of all."""
    query = (
        select(
            Job.id,
            Job.status,
            Job.kind,
            Job.model,
            Job.attempt,
            User.display_name,
            Job.queued_at,
            Job.started_at,
            Job.finished_at,
            Job.lease_owner,
            Job.error["code"].astext,
        )
        .join(User, User.id == Job.user_id)
        .order_by(Job.id.desc())
        .limit(limit)
    )
    if status is not None:
        query = query.where(Job.status == status)
    return [Glimpse(*row) for row in session.execute(query)]
