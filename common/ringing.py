"""Who is next: which queued jobs get a doorbell, in an order decided here and not in Celery.

A startable job is rung only while rung and running jobs are fewer than the slots online, so that
Celery's list stays near empty. The user with the fewest jobs under way comes first, then the
oldest job; the last eighth of the slots is for users who have nothing under way.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Result, text, update
from sqlalchemy.orm import Session

from common.machine import STARTABLE, Status
from common.models import Job
from common.workers import ONLINE_FOR

INTERACTIVE, BACKGROUND = "interactive", "background"
QUEUE_OF_KIND = {"reply": INTERACTIVE, "ask": INTERACTIVE, "title": BACKGROUND}
PLACES_SHOWN = 100


@dataclass(frozen=True)
class Doorbell:
    """The message to Celery: this job may start."""

    job_id: uuid.UUID
    queue: str


# The line: startable jobs with their place in it. `turn` 1 means that the user has nothing under
# way. Background jobs take at most a quarter of the slots and come after the user's others.
# :with_rung counts rung jobs as waiting (what a person sees) instead of as under way.
_LINE = f"""
    under_way AS (
        SELECT user_id, kind, count(*) AS jobs
        FROM jobs
        WHERE status = 'in_progress'
           OR (NOT :with_rung AND status = 'queued' AND rung_at > now() - :ring_timeout)
        GROUP BY user_id, kind
    ),
    used AS (
        SELECT coalesce(sum(jobs), 0)::int AS slots,
               coalesce(sum(jobs) FILTER (WHERE kind = 'title'), 0)::int AS background
        FROM under_way
    ),
    online AS (
        SELECT coalesce(sum(slots), 0)::int AS slots FROM workers WHERE seen_at > now() - :online
    ),
    free AS (
        SELECT online.slots - used.slots AS slots,
               online.slots - used.slots - greatest(online.slots / 8, 1) AS unreserved,
               greatest(online.slots / 4, 1) - used.background AS background
        FROM online, used
    ),
    candidates AS (
        SELECT job.id, job.queued_at, job.kind,
               coalesce(mine.jobs, 0) + row_number() OVER (
                   PARTITION BY waiting.user_id
                   ORDER BY job.kind = 'title', job.queued_at, job.id) AS turn,
               row_number() OVER (
                   PARTITION BY job.kind = 'title' ORDER BY job.queued_at, job.id) AS place_in_kind
        FROM (SELECT DISTINCT user_id FROM jobs WHERE status = 'queued') AS waiting
        LEFT JOIN (SELECT user_id, sum(jobs)::int AS jobs FROM under_way GROUP BY user_id) AS mine
            USING (user_id)
        CROSS JOIN free
        CROSS JOIN LATERAL (
            SELECT id, queued_at, kind
            FROM jobs
            WHERE jobs.user_id = waiting.user_id AND {STARTABLE}
              AND (:with_rung OR rung_at IS NULL OR rung_at <= now() - :ring_timeout)
            ORDER BY kind = 'title', queued_at, id
            LIMIT CASE WHEN :with_rung THEN {PLACES_SHOWN} ELSE greatest(free.slots, 0) END
        ) AS job
    ),
    line AS (
        SELECT candidates.id, candidates.turn,
               row_number() OVER (ORDER BY turn, queued_at, candidates.id) AS place
        FROM candidates, free
        WHERE :with_rung OR kind <> 'title' OR place_in_kind <= free.background
    )
"""

_PICK = text(f"""
    WITH {_LINE},
    chosen AS (
        SELECT id FROM jobs
        -- as an array: joined with the line itself it would be looked for row by row
        WHERE id = ANY (ARRAY(
            SELECT line.id FROM line, free
            WHERE place <= CASE WHEN turn = 1 THEN free.slots ELSE free.unreserved END))
          AND status = 'queued'
          AND (rung_at IS NULL OR rung_at <= now() - :ring_timeout)
        FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs SET rung_at = now() FROM chosen WHERE jobs.id = chosen.id
    RETURNING jobs.id, jobs.kind
""")

_IS_UNRUNG = (
    "{0}.status = 'queued' AND ({0}.rung_at IS NULL OR {0}.rung_at <= now() - :ring_timeout)"
)

# Planning the line costs more than running it, and mostly nobody stands in it.
_ANYBODY_WAITS = text(f"SELECT EXISTS (SELECT 1 FROM jobs WHERE {_IS_UNRUNG.format('jobs')})")

# The commonest case: slots are free, and of those who could take them only this job is unrung.
_PICK_ALONE = text(f"""
    UPDATE jobs SET rung_at = now()
    WHERE jobs.id = :job_id AND jobs.kind <> 'title' AND {STARTABLE}
      AND {_IS_UNRUNG.format("jobs")}
      AND NOT EXISTS (
          SELECT 1 FROM jobs AS other WHERE other.id <> :job_id AND {_IS_UNRUNG.format("other")})
      AND (SELECT count(*) FROM jobs AS busy WHERE busy.status = 'in_progress'
           OR (busy.status = 'queued' AND busy.rung_at > now() - :ring_timeout))
        < (SELECT coalesce(sum(slots) - greatest(sum(slots) / 8, 1), 0) FROM workers
           WHERE seen_at > now() - :online)
    RETURNING jobs.id, jobs.kind
""")

_NEXT_IN_LINE = text(f"WITH {_LINE} SELECT id FROM line ORDER BY place LIMIT {PLACES_SHOWN}")


def pick(session: Session, ring_timeout: timedelta) -> list[Doorbell]:
    """Marks as rung, and returns, the jobs that the free slots are for.

    A ring that nobody claimed within `ring_timeout` is repeated. Safe in any number of copies:
    rows that another copy is marking are skipped.
    """
    if not session.scalar(_ANYBODY_WAITS, {"ring_timeout": ring_timeout}):
        return []
    return _doorbells(session.execute(_PICK, _settings(ring_timeout, with_rung=False)))


def pick_after_post(session: Session, job_id: uuid.UUID, ring_timeout: timedelta) -> list[Doorbell]:
    """`pick` when this job was just queued: one cheap statement while slots are free."""
    values = {"job_id": job_id, "ring_timeout": ring_timeout, "online": ONLINE_FOR}
    alone = _doorbells(session.execute(_PICK_ALONE, values))
    return alone or pick(session, ring_timeout)


def unmark(session: Session, job_ids: Sequence[uuid.UUID]) -> None:
    """Takes the mark back from jobs whose doorbell could not be sent or came too early."""
    session.execute(
        update(Job)
        .where(Job.id.in_(job_ids), Job.status == Status.QUEUED)
        .values(rung_at=None)
        .execution_options(synchronize_session=False)
    )


def next_in_line(session: Session, ring_timeout: timedelta) -> list[uuid.UUID]:
    """The first hundred jobs that wait for a slot, in the order in which they would get one."""
    return list(session.scalars(_NEXT_IN_LINE, _settings(ring_timeout, with_rung=True)))


def _doorbells(rows: Result[Any]) -> list[Doorbell]:
    return [Doorbell(row.id, QUEUE_OF_KIND[row.kind]) for row in rows]


def _settings(ring_timeout: timedelta, *, with_rung: bool) -> dict[str, object]:
    return {"ring_timeout": ring_timeout, "online": ONLINE_FOR, "with_rung": with_rung}
