"""The moment of acceptance: commit, then ring, best effort. After it, a 202 is durable."""

import uuid

import structlog
from sqlalchemy.exc import SQLAlchemyError

from common import ringing
from web.database import db
from web.services import services

log = structlog.get_logger(__name__)


def commit_and_ring(posted: uuid.UUID | None = None) -> None:
    """Commits what the request did and rings whoever may start now, `posted` being a new job.

    A doorbell that fails is logged, never raised: the queued row is the outbox.
    """
    part, session = services(), db.session()
    session.commit()
    if posted is not None:
        log.info("job_accepted", job_id=str(posted))
    try:
        # Picked only now that everybody sees the job: of those who post at once each would take
        # the last free slot for a job that the others can't see.
        if posted is None:
            doorbells = ringing.pick(session, part.ring_timeout)
        else:
            doorbells = ringing.pick_after_post(session, posted, part.ring_timeout)
        session.commit()
        unsent = part.doorbells.ring(doorbells)
        if unsent:
            ringing.unmark(session, unsent)
            session.commit()
    except SQLAlchemyError as error:  # the turn is safe already, and the sweep rings
        session.rollback()
        log.warning("not_rung", error=type(error).__name__)
