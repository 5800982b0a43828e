"""How many jobs wait and run and how many workers are online: one statement, for whoever watches.

It reads along the indexes of what is unfinished and stops at a bound, so that it costs the same
however many jobs have ended; a queue as long as the bound is shown as that.
"""

from dataclasses import dataclass

from sqlalchemy import text

from common.db import Reader
from common.machine import STARTABLE
from common.workers import ONLINE_FOR

# Above the default cap of all who wait together.
MOST_COUNTED = 25_000

_CENSUS = text(f"""
    WITH waiting AS (
        SELECT queued_at, waits_for IS NOT NULL AS is_held, {STARTABLE} AS is_startable
        FROM jobs WHERE status = 'queued' LIMIT :most
    ),
    running AS (
        SELECT lease_expires_at < now() AS has_lapsed
        FROM jobs WHERE status = 'in_progress' LIMIT :most
    ),
    crew AS (
        SELECT count(*) AS workers, coalesce(sum(slots), 0) AS slots, coalesce(sum(busy), 0) AS busy
        FROM workers WHERE seen_at > now() - :online
    )
    SELECT (SELECT count(*) FROM waiting) AS queued,
           (SELECT count(*) FROM waiting WHERE is_held) AS held,
           (SELECT count(*) FROM waiting WHERE is_startable) AS startable,
           (SELECT coalesce(extract(epoch FROM now() - min(queued_at)), 0)
            FROM waiting WHERE is_startable) AS oldest_seconds,
           (SELECT count(*) FROM running) AS in_progress,
           (SELECT count(*) FROM running WHERE has_lapsed) AS lapsed,
           (SELECT count(*) FROM models WHERE paused_until > now()) AS paused,
           crew.workers, crew.slots, crew.busy
    FROM crew
""")


@dataclass(frozen=True)
class Census:
    """Counts of now.

    `held` wait for the reply before them, `startable` for nothing but a slot, the oldest of those
    since `oldest_seconds`; `lapsed` run without a lease that holds; `paused` models were told to
    slow down. `workers`, `slots` and `busy` are of the worker processes online.
    """

    queued: int
    held: int
    startable: int
    oldest_seconds: float
    in_progress: int
    lapsed: int
    paused: int
    workers: int
    slots: int
    busy: int


def census(session: Reader) -> Census:
    """Takes it. Raises SQLAlchemyError while the database is away."""
    row = session.execute(_CENSUS, {"most": MOST_COUNTED, "online": ONLINE_FOR}).one()
    return Census(
        queued=row.queued,
        held=row.held,
        startable=row.startable,
        oldest_seconds=float(row.oldest_seconds),
        in_progress=row.in_progress,
        lapsed=row.lapsed,
        paused=row.paused,
        workers=row.workers,
        slots=int(row.slots),
        busy=int(row.busy),
    )
