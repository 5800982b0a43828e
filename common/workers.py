"""Which worker processes are online, and how many slots they have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from common.db import Reader
from common.models import Worker
from common.statement import prepared

ONLINE_FOR = timedelta(seconds=15)
# Rows of workers that died without saying so are kept a little for people to see, then dropped.
_FORGET_AFTER = timedelta(hours=1)
_CREW = prepared(
    "crew",
    """
    SELECT count(*) AS online, count(*) FILTER (WHERE busy >= slots) AS busy,
           coalesce(sum(slots), 0)::int AS slots
    FROM workers WHERE seen_at > now() - CAST(:online AS interval)
    """,
)


@dataclass(frozen=True)
class Crew:
    """The worker processes online, how many of them have no free slot, and all their slots."""

    online: int
    busy: int
    slots: int


def lease_owner(name: str, pid: int) -> str:
    """What a worker process writes on the jobs that it holds."""
    return f"{name}#{pid}"


def report(
    session: Session,
    *,
    name: str,
    pid: int,
    slots: int,
    busy: int,
    queues: Sequence[str],
    place: str | None = None,
) -> None:
    """A worker process says that it is alive, and where its pid means something."""
    row = {
        "slots": slots,
        "busy": busy,
        "queues": list(queues),
        "place": place,
        "seen_at": func.now(),
    }
    session.execute(
        insert(Worker)
        .values(name=name, pid=pid, **row)
        .on_conflict_do_update(index_elements=["name", "pid"], set_=row)
    )


def neighbours(session: Session, place: str) -> list[tuple[str, int]]:
    """(name, pid) of every process that reported from that place."""
    rows = session.execute(select(Worker.name, Worker.pid).where(Worker.place == place))
    return [(row.name, row.pid) for row in rows]


def sign_off(session: Session, *, name: str, pid: int) -> None:
    """A worker process stops cleanly."""
    session.execute(delete(Worker).where(Worker.name == name, Worker.pid == pid))


def forget_lost(session: Session) -> None:
    """Drops the rows of processes that died without signing off."""
    session.execute(delete(Worker).where(Worker.seen_at < func.now() - _FORGET_AFTER))


def crew(session: Reader) -> Crew:
    """The workers seen within `ONLINE_FOR`."""
    return Crew(*_CREW.one(session, {"online": ONLINE_FOR}))
