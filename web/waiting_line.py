"""The place of each waiting job, asked from the database once a second and not once a poll."""

import threading
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from common.db import Reader
from common.ringing import next_in_line
from common.workers import Crew, crew

_FRESH_FOR_SECONDS = 1.0
# How long replies took lately: the mean of the last twenty that ended, in milliseconds.
_MEAN_RUN = text("""
    SELECT avg(extract(epoch FROM finished_at - started_at)) * 1000 FROM (
        SELECT started_at, finished_at FROM jobs
        WHERE finished_at IS NOT NULL AND started_at IS NOT NULL
        ORDER BY finished_at DESC LIMIT 20
    ) AS latest
""")


@dataclass(frozen=True)
class Line:
    """Who waits, in order; the workers online; the mean run in ms (None: nothing has run yet)."""

    places: dict[uuid.UUID, int]
    crew: Crew
    mean_run_ms: float | None

    def eta_ms(self, job_id: uuid.UUID) -> int | None:
        """When a job may start, at the pace of the last replies; None where nobody can say."""
        place = self.places.get(job_id)
        if place is None or self.mean_run_ms is None or not self.crew.slots:
            return None
        return round(place * self.mean_run_ms / self.crew.slots)


class WaitingLine:
    """A snapshot of the line, at most a second old."""

    def __init__(self, ring_timeout: timedelta) -> None:
        self._ring_timeout = ring_timeout
        self._lock = threading.Lock()
        self._line: Line | None = None
        self._read_at = 0.0

    def now(self, session: Reader) -> Line:
        with self._lock:
            age = time.monotonic() - self._read_at
            if self._line is None or age > _FRESH_FOR_SECONDS:
                self._line = self._read(session)
                self._read_at = time.monotonic()
            return self._line

    def _read(self, session: Reader) -> Line:
        waiting = next_in_line(session, self._ring_timeout)
        places = {job_id: place for place, job_id in enumerate(waiting, start=1)}
        mean = session.scalar(_MEAN_RUN)
        return Line(places, crew(session), float(mean) if mean is not None else None)
