"""The moment of acceptance: commit, then ring, best effort. After it, a 202 is durable."""

import uuid

import structlog
from sqlalchemy.exc import SQLAlchemyError

from common import ringing
from web.database import db, looking
from web.services import services

log = structlog.get_logger(__name__)


def commit_and_ring(posted: uuid.UUID | None = None) -> None:
    """Commits what the request did and rings whoever may start now, `posted` being a new job."""
    db.session.commit()
    ring(posted)


def ring(posted: uuid.UUID | None = None) -> None:
    """Rings whoever may start now, `posted` being a new job that is committed.

    A doorbell that fails is logged, never raised: the queued row is the outbox.
    """
    part = services()
    if posted is not None:
        log.info("job_accepted", job_id=str(posted))
    try:
        # Picked only now that everybody sees the job: of those who post at once each would take
        # the last free slot for a job that the others can't see.
        with looking() as connection:
            if posted is None:
                doorbells = ringing.pick(connection, part.ring_timeout)
            else:
                doorbells = ringing.pick_after_post(connection, posted, part.ring_timeout)
        unsent = part.doorbells.ring(doorbells)
        if unsent:
            with looking() as connection:
                ringing.unmark(connection, unsent)
    except SQLAlchemyError as error:  # the turn is safe already, and the sweep rings
        log.warning("not_rung", error=type(error).__name__)
