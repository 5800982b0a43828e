"""The moment of acceptance: commit, then ring, best effort. After it, a 202 is durable."""

import uuid

import structlog

from web.database import db
from web.services import services

log = structlog.get_logger(__name__)


def commit_and_ring(posted: uuid.UUID | None = None) -> None:
    """Commits what the request did and rings whoever may start now, `posted` being a new job."""
    db.session.commit()
    if posted is None:
        services().ringer.ring()
    else:
        ring(posted)


def ring(posted: uuid.UUID) -> None:
    """Rings for a new job that is committed."""
    log.info("job_accepted", job_id=str(posted))
    services().ringer.ring(posted)
