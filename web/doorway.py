"""The moment of acceptance: commit, then ring, best effort. After it, a 202 is durable."""

import structlog
from sqlalchemy.exc import SQLAlchemyError

from common import ringing
from web.database import db
from web.services import services

log = structlog.get_logger(__name__)


def commit_and_ring() -> None:
    """Commits what the request did and rings whoever may start now.

    A doorbell that fails is logged, never raised: the queued row is the outbox.
    """
    part = services()
    doorbells = ringing.pick(db.session(), part.ring_timeout)
    db.session.commit()
    unsent = part.doorbells.ring(doorbells)
    if not unsent:
        return
    try:
        ringing.unmark(db.session(), unsent)
        db.session.commit()
    except SQLAlchemyError as error:  # the turn is safe already, and a lost ring is repeated
        db.session.rollback()
        log.warning("doorbell_not_unmarked", error=type(error).__name__)
