"""The place of each waiting job, asked from the database once a second and not once a poll."""

import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from common.db import Reader
from common.ringing import next_in_line
from common.statement import prepared
from common.workers import Crew, crew

_FRESH_FOR_SECONDS = 1.0
# How long the last twenty replies took, and the quickest of their first words, in milliseconds.
_PACE = prepared(
    "pace",
    """
    SELECT avg(extract(epoch FROM finished_at - started_at)) * 1000 AS mean_run,
           min(extract(epoch FROM first_token_at - started_at)) * 1000 AS first_word
    FROM (
        SELECT started_at, first_token_at, finished_at FROM jobs
        WHERE finished_at IS NOT NULL AND started_at IS NOT NULL AND kind <> 'title'
        ORDER BY finished_at DESC LIMIT 20
    ) AS latest
    """,
)
# Of that time nothing is expected; then it is looked for.
_SURELY_SILENT = 0.8


@dataclass(frozen=True)
class Line:
    """Who waits, in order; the workers online; the mean run and the quickest first word lately, in
    ms (None and 0: nothing has run yet)."""

    places: dict[uuid.UUID, int]
    crew: Crew
    mean_run_ms: float | None
    first_word_ms: float = 0.0

    def eta_ms(self, job_id: uuid.UUID) -> int | None:
        """When a job may start, at the pace of the last replies; None where nobody can say."""
        place = self.places.get(job_id)
        if place is None or self.mean_run_ms is None or not self.crew.slots:
            return None
        return round(place * self.mean_run_ms / self.crew.slots)

    def silent_for_ms(self, started_at: datetime | None) -> int:
        """For how long a job that started then, or hasn't, will most likely say nothing yet."""
        ran_ms = 0.0
        if started_at is not None:
            ran_ms = (datetime.now(UTC) - started_at).total_seconds() * 1000
        return max(0, round(_SURELY_SILENT * self.first_word_ms - ran_ms))


class WaitingLine:
    """A snapshot of the line, about a second old; `looks` are the connections to read it by."""

    def __init__(self, looks: Engine) -> None:
        self._looks = looks
        self._being_read = threading.Lock()
        self._line: Line | None = None
        self._read_at = 0.0

    def now(self) -> Line:
        """One of those who ask reads it anew, the others take the last one meanwhile. Nobody waits
        for another: they may hold the connections that he would need."""
        line = self._line
        if line is None:
            return self._read()
        is_fresh = time.monotonic() - self._read_at < _FRESH_FOR_SECONDS
        if is_fresh or not self._being_read.acquire(blocking=False):
            return line
        try:
            return self._read()
        except SQLAlchemyError:  # whoever needs the database more will say so
            return line
        finally:
            self._being_read.release()

    @property
    def last(self) -> Line:
        """As it was last read, however old: for those who must not ask the database."""
        return self._line or _NOBODY

    def _read(self) -> Line:
        with self._looks.connect() as connection:
            self._line = read_line(connection)
        self._read_at = time.monotonic()
        return self._line


def read_line(session: Reader) -> Line:
    """The line as it is."""
    waiting = next_in_line(session)
    places = {job_id: place for place, job_id in enumerate(waiting, start=1)}
    pace = _PACE.one(session)
    return Line(
        places,
        crew(session),
        float(pace.mean_run) if pace.mean_run is not None else None,
        float(pace.first_word or 0),
    )


_NOBODY = Line({}, Crew(0, 0, 0), None)
