"""Who is next: which queued jobs get a doorbell, in an order decided here and not in Celery.

A startable job is rung only while rung and running jobs are fewer than the slots online, so that
Celery's list stays near empty. The user with the fewest jobs under way comes first, then the
oldest job; the last eighth of the slots is for users who have nothing under way.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import update

from common.db import Reader, Transaction
from common.machine import STARTABLE, Status
from common.models import Job
from common.statement import Row, prepared
from common.workers import ONLINE_FOR

INTERACTIVE, BACKGROUND = "interactive", "background"
QUEUE_OF_KIND = {"reply": INTERACTIVE, "ask": INTERACTIVE, "title": BACKGROUND}
PLACES_SHOWN = 100
# At most so many background jobs at once, and at most a quarter of the slots: hundreds of titles
# become due as hundreds of replies end, and must not slow down those that are still being said.
MOST_BACKGROUND = 8
# Of many that are posted, or end, together the first rings at once, and after so long one ring is
# for all others; it is for so many posts at most.
BETWEEN_RINGS_SECONDS = 0.05
AT_ONCE = 100


@dataclass(frozen=True)
class Doorbell:
    """The message to Celery: this job may start."""

    job_id: uuid.UUID
    queue: str


# Those who stand in the line, as ix_jobs_line holds them. Whoever reads along it is quick however
# many wait, and whatever the planner believes of a table that it hasn't looked at for long.
_IN_LINE = "status = 'queued' AND waits_for IS NULL"
_IS_UNRUNG = "(rung_at IS NULL OR rung_at <= now() - CAST(:ring_timeout AS interval))"

_RUNNING = "SELECT user_id, kind FROM jobs WHERE status = 'in_progress'"
# Each takes a slot: running, or rung and not claimed yet (the claim takes `rung_at` away). An index
# for either, hence no OR.
_UNDER_WAY = f"""
    {_RUNNING}
    UNION ALL
    SELECT user_id, kind FROM jobs WHERE rung_at > now() - CAST(:ring_timeout AS interval)
"""
_SLOTS = """
    SELECT coalesce(sum(slots), 0)::int FROM workers
    WHERE seen_at > now() - CAST(:online AS interval)
"""


# Nobody waits for the disk: a mark that is lost with the machine costs one more ring.
_UNHURRIED = "set_config('synchronous_commit', 'off', true) = 'off'"


def _some_unrung(most: int) -> str:
    """At most so many of those who stand in the line unrung, as SQL."""
    return f"""
        SELECT id FROM jobs
        WHERE {_IN_LINE} AND CASE WHEN {_IS_UNRUNG} THEN true END
        ORDER BY user_id LIMIT {most}
    """


def _standing(is_wanted: str, most: str) -> str:
    """The line's users, a step along the index each, and the first jobs of each, as SQL: `most`
    of those that could start and are wanted. `turn` 1: the user has nothing under way, titles not
    counted: what nobody asked for keeps nobody waiting."""
    return f"""
    waiting AS (
        (SELECT user_id FROM jobs WHERE {_IN_LINE} ORDER BY user_id LIMIT 1)
        UNION ALL
        SELECT (
            SELECT user_id FROM jobs WHERE {_IN_LINE} AND user_id > waiting.user_id
            ORDER BY user_id LIMIT 1)
        FROM waiting WHERE user_id IS NOT NULL
    ),
    busy AS (
        SELECT user_id, sum(jobs)::int AS jobs FROM under_way WHERE kind <> 'title'
        GROUP BY user_id
    ),
    standing AS (
        SELECT job.id, job.queued_at, job.kind, coalesce(busy.jobs, 0) + job.place AS turn
        FROM waiting
        LEFT JOIN busy USING (user_id)
        CROSS JOIN free
        CROSS JOIN LATERAL (
            SELECT id, queued_at, kind,
                   row_number() OVER (ORDER BY kind = 'title', queued_at, id) AS place
            FROM jobs
            WHERE jobs.user_id = waiting.user_id AND {_IN_LINE}
              -- opaque, or the planner thinks that hardly any passes, and plans to read them all
              AND CASE WHEN {STARTABLE} AND {is_wanted} THEN true END
            ORDER BY kind = 'title', queued_at, id
            LIMIT {most}
        ) AS job
    )
    """


# Who has nothing under way may have one job in any free slot, else it is one that isn't reserved.
_COULD_GET = "greatest(free.unreserved, CASE WHEN busy.jobs IS NULL THEN 1 ELSE 0 END)"

# Background jobs come after the user's others.
_PICK = prepared(
    "pick",
    f"""
    WITH RECURSIVE
    under_way AS (
        SELECT user_id, kind, count(*) AS jobs FROM ({_UNDER_WAY}) AS each GROUP BY user_id, kind
    ),
    used AS (
        SELECT coalesce(sum(jobs), 0)::int AS slots,
               coalesce(sum(jobs) FILTER (WHERE kind = 'title'), 0)::int AS background
        FROM under_way
    ),
    free AS (
        SELECT online - slots AS slots,
               online - slots - greatest(online / 8, 1) AS unreserved,
               greatest(least(online / 4, {MOST_BACKGROUND}), 1) - background AS background
        FROM used, ({_SLOTS}) AS crew (online)
    ),
    {_standing(_IS_UNRUNG, _COULD_GET)},
    numbered AS (
        SELECT *, row_number() OVER (PARTITION BY kind = 'title' ORDER BY queued_at, id) AS of_kind
        FROM standing
    ),
    line AS (
        SELECT numbered.id, turn, row_number() OVER (ORDER BY turn, queued_at, id) AS place
        FROM numbered, free WHERE kind <> 'title' OR of_kind <= free.background
    ),
    chosen AS (
        SELECT id FROM jobs
        -- as an array: joined with the line itself it would be looked for row by row
        WHERE id = ANY (ARRAY(
            SELECT line.id FROM line, free
            WHERE place <= CASE WHEN turn = 1 THEN free.slots ELSE free.unreserved END))
          AND {_IS_UNRUNG}
        FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs SET rung_at = now()
    FROM chosen
    -- opaque too: it may have been claimed meanwhile, but all that is queued shall not be read
    WHERE jobs.id = chosen.id AND CASE WHEN status = 'queued' THEN true END AND {_UNHURRIED}
    RETURNING jobs.id, jobs.kind
    """,
)

# Planning the line costs more than running it, and mostly nobody stands in it or no slot is free.
_ANYBODY_FOR_A_SLOT = prepared(
    "anybody_for_a_slot",
    f"""
    SELECT (SELECT count(*) FROM ({_UNDER_WAY}) AS each) < ({_SLOTS})
       AND ({_some_unrung(1)}) IS NOT NULL
    """,
)

# The commonest case: there is a slot for everybody who stands in the line unrung, so that nobody's
# place matters, and those who post are rung for. Of a line that is longer than those who post at
# once the rest isn't counted.
_PICK_WITH_ROOM = prepared(
    "pick_with_room",
    f"""
    UPDATE jobs SET rung_at = now()
    WHERE jobs.id = ANY (:job_ids) AND jobs.kind <> 'title' AND {STARTABLE} AND {_IS_UNRUNG}
      AND (
        SELECT CASE WHEN used.jobs < crew.unreserved THEN (
            SELECT count(*) < {AT_ONCE} AND used.jobs + count(*) <= crew.unreserved
            FROM ({_some_unrung(AT_ONCE)}) AS unrung) END
        FROM (SELECT count(*) AS jobs FROM ({_UNDER_WAY}) AS each) AS used,
             (SELECT online - greatest(online / 8, 1) AS unreserved
              FROM ({_SLOTS}) AS crew (online)) AS crew)
      AND {_UNHURRIED}
    RETURNING jobs.id, jobs.kind
    """,
)

# As a person sees it: rung jobs still wait.
_NEXT_IN_LINE = prepared(
    "next_in_line",
    f"""
    WITH RECURSIVE
    under_way AS (
        SELECT user_id, kind, count(*) AS jobs FROM ({_RUNNING}) AS each GROUP BY user_id, kind
    ),
    free AS (SELECT 1),
    {_standing("true", most=str(PLACES_SHOWN))}
    SELECT id FROM standing ORDER BY turn, queued_at, id LIMIT {PLACES_SHOWN}
    """,
)


def pick(session: Transaction, ring_timeout: timedelta) -> list[Doorbell]:
    """Marks as rung, and returns, the jobs that the free slots are for.

    A ring that nobody claimed within `ring_timeout` is repeated. Safe in any number of copies:
    rows that another copy is marking are skipped. The transaction's commit doesn't wait for the
    disk, so nothing else belongs into it.
    """
    values = {"ring_timeout": ring_timeout, "online": ONLINE_FOR}
    if not _ANYBODY_FOR_A_SLOT.scalar(session, values):
        return []
    return _doorbells(_PICK.all(session, values))


def pick_after_posts(
    session: Transaction, job_ids: Sequence[uuid.UUID], ring_timeout: timedelta
) -> list[Doorbell]:
    """`pick` when these jobs were just queued: one cheap statement while slots are free."""
    values = {"job_ids": list(job_ids), "ring_timeout": ring_timeout, "online": ONLINE_FOR}
    themselves = _doorbells(_PICK_WITH_ROOM.all(session, values)) if job_ids else []
    return themselves or pick(session, ring_timeout)


def unmark(session: Transaction, job_ids: Sequence[uuid.UUID]) -> None:
    """Takes the mark back from jobs whose doorbell could not be sent or came too early."""
    session.execute(
        update(Job)
        .where(Job.id.in_(job_ids), Job.status == Status.QUEUED)
        .values(rung_at=None)
        .execution_options(synchronize_session=False)
    )


def next_in_line(session: Reader) -> list[uuid.UUID]:
    """The first hundred jobs that wait for a slot, in the order in which they would get one."""
    return [row.id for row in _NEXT_IN_LINE.all(session)]


def _doorbells(rows: Iterable[Row]) -> list[Doorbell]:
    return [Doorbell(row.id, QUEUE_OF_KIND[row.kind]) for row in rows]
