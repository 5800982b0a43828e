"""The doorbells of those who post: rung beside the requests, for many at once.

The turn is safe before, and nobody who posts waits for the broker. A process that dies in between
leaves a queued row, which is the outbox: the sweep rings.
"""

import uuid
from datetime import timedelta

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from common import ringing
from common.batches import Batches
from common.queue import Doorbells

# Stands for no job of its own: something has ended, and whoever is next may start.
ANYBODY = uuid.UUID(int=0)
STOP_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Ringer:
    """Rings for jobs that are committed. Its thread and its connections begin with the first."""

    def __init__(self, looks: Engine, doorbells: Doorbells, ring_timeout: timedelta) -> None:
        self._looks = looks
        self._doorbells = doorbells
        self._ring_timeout = ring_timeout
        self._batches = Batches(
            "ringer", self._ring, most=ringing.AT_ONCE, rest_seconds=ringing.BETWEEN_RINGS_SECONDS
        )

    def ring(self, posted: uuid.UUID = ANYBODY) -> None:
        """Soon rings whoever may start, `posted` being a new job. Best effort, and never raises."""
        self._batches.add(posted)

    def stop(self) -> None:
        """Rings for those who have posted, and no more."""
        self._batches.stop(STOP_SECONDS)

    def _ring(self, batch: list[uuid.UUID]) -> None:
        posted = [] if ANYBODY in batch else batch  # among anybody those who posted are found, too
        try:
            # Picked only now that everybody sees the jobs: of those who post at once each would
            # take the last free slot for a job that the others can't see.
            with self._looks.connect() as connection:
                doorbells = ringing.pick_after_posts(connection, posted, self._ring_timeout)
            unsent = self._doorbells.ring(doorbells)
            if unsent:
                with self._looks.connect() as connection:
                    ringing.unmark(connection, unsent)
        except SQLAlchemyError as error:
            log.warning("not_rung", error=type(error).__name__)
