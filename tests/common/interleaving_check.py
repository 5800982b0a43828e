"""What must be true after every step of a walk through the state machine, and of its end.

The audit's promises, and that the tables agree with what people and workers were told: nobody's
turn is lost, nobody's end of an attempt is taken twice, what has ended never changes, and a reply
is exactly what its one winner wrote, or what the live log held when the sweep ended it.
"""

import uuid
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import psycopg2
from psycopg2.extras import RealDictCursor

from common.audit import PROMISES, Limits, audit
from common.machine import FINISHED
from tests.common.interleaving import Accepted, Attempt, Move, Row
from tests.common.interleaving_doors import UNAVAILABLE
from tests.common.interleaving_moves import ENDINGS, Moves

# What is overdue is seen to within two sweeps; before that nothing is said about it.
TWO_SWEEPS_SECONDS = 10.0
_NEVER = Limits(*[timedelta(days=36_500)] * 3)
# Longer than a lease, a pause, a ring and a backoff.
HEALING_SECONDS = 61.0
CODES = {UNAVAILABLE, "worker_lost", "deadline_exceeded", "expired"}
BY_THE_SWEEP = {"worker_lost", "deadline_exceeded", "cancelled"}

_PROMISES = " UNION ALL ".join(
    f"SELECT '{promise}' AS promise, broken.id FROM ({query}) AS broken (id)"
    for promise, query in PROMISES.items()
)
_ROWS = """
    SELECT jobs.*, reply.content AS said, jobs.lease_expires_at < now() AS lapsed,
           attempt > 0 AND queued_at < now() - interval '24 hours' AS was_tried_late
    FROM jobs JOIN messages AS reply ON reply.id = jobs.reply_message_id
"""


class Observer:
    """Asks for all broken promises and all rows on a connection of its own.

    Prepared: planning the audit's queries after every step would take longer than the walk.
    """

    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(url, cursor_factory=RealDictCursor)
        self._connection.autocommit = True
        promises = _PROMISES
        for place, name in enumerate(("lapsed", "overrun", "waiting"), 1):
            promises = promises.replace(f":{name}", f"${place}")
        with self._connection.cursor() as cursor:
            cursor.execute("SET plan_cache_mode = force_generic_plan")
            cursor.execute(f"PREPARE promises (interval, interval, interval) AS {promises}")
            cursor.execute(f"PREPARE rows AS {_ROWS}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def broken(self, limits: Limits) -> list[Row]:
        values = (limits.lapsed, limits.overrun, limits.waiting)
        return self._ask("EXECUTE promises (%s, %s, %s)", values)

    def rows(self) -> dict[uuid.UUID, Row]:
        return {uuid.UUID(row["id"]): row for row in self._ask("EXECUTE rows", ())}

    def _ask(self, query: str, values: tuple[Any, ...]) -> list[Row]:
        with self._connection.cursor() as cursor:
            cursor.execute(query, values)
            return [dict(row) for row in cursor.fetchall()]


def check(world: Moves, observer: Observer) -> None:
    """Asserts it all, and remembers the rows for the next step."""
    rows, there = observer.rows(), {job.job_id: job for job in world.there}
    # what had waited a day and is back in the queue is overdue at once: the next sweep's
    is_late = any(row["status"] == "queued" and row["was_tried_late"] for row in rows.values())
    is_timely = world.unswept < TWO_SWEEPS_SECONDS and not is_late
    broken = observer.broken(Limits.of(world.config) if is_timely else _NEVER)
    assert not broken, f"{broken}"
    assert rows.keys() == there.keys(), "a turn was lost, or one came from nowhere"
    for job_id, job in there.items():
        _check_attempts(world, job, rows[job_id], world.rows.get(job_id))
        _check_change(world, job, rows[job_id], world.rows.get(job_id))
    _check_answers(world, rows)
    world.rows = rows


def heal(world: Moves, observer: Observer) -> None:
    """Everybody thaws and writes what is left to write; one worker stays, and all comes to rest."""
    for worker in world.workers:
        worker.frozen = False
    _settle_all(world, observer)
    healthy, *others = world.workers
    for worker in others:
        worker.die()
    world.workers = [healthy]
    world.let_pass(world.set_back)
    for _ in range(len(world.unfinished) + 3):
        world.let_pass(HEALING_SECONDS)
        world.renew_all(healthy)
        world.make(Move("sweep", 0, 0))
        check(world, observer)
        if not world.unfinished:
            break
        while world.bells:
            world.make(Move("deliver", 0, 0))
            check(world, observer)
            _settle_all(world, observer)
    assert world.unfinished == [], "turns without an end"
    with world.database.transaction() as session:
        assert audit(session, Limits.of(world.config)) == []
    world.happened["jobs"] += len(world.accepted)
    world.happened["jobs removed"] += len(world.gone)
    world.happened["jobs ended"] += sum(row["status"] in FINISHED for row in world.rows.values())
    world.happened["jobs ended twice"] += sum(len(ends) > 1 for ends in world.writes.values())


def _settle_all(world: Moves, observer: Observer) -> None:
    while world.beliefs():
        world.make(Move("settle", 0, len(ENDINGS)))
        check(world, observer)


def _check_answers(world: Moves, rows: dict[uuid.UUID, Row]) -> None:
    """What was answered in the last step, held against what came of it."""
    step = world.step
    begun = {job_id for job_id, _ in world.claims} | world.asked
    assert not world.taken_back & begun, "a turn was taken back that had started or ended"
    ignored = step.not_cancelled & rows.keys()
    assert all(rows[job_id]["status"] in FINISHED for job_id in ignored), "a cancel was ignored"
    if not step.has("take_back", "switch"):
        assert len(step.hung) == len(set(step.hung)), "two turns hang from one head"
    if not step.has("deliver", "deliver_again", "unsent"):
        assert len(step.rung) == len(set(step.rung)), "two rang for one job"


def _check_attempts(world: Moves, job: Accepted, row: Row, before: Row | None) -> None:
    claimed = {n for job_id, n in world.claims if job_id == job.job_id}
    assert claimed == set(range(1, row["attempt"] + 1)), "not every claim is an attempt"
    for entry in row["attempts"]:
        attempt = (job.job_id, entry["n"])
        written = world.writes.get(attempt, [])
        assert len(written) <= 1, f"an attempt ended twice: {written}"
        outcomes: Any = {written[0].outcome} if written else BY_THE_SWEEP
        assert entry["outcome"] in outcomes
        assert entry["worker"] == world.claims[attempt]
    for entry in row["attempts"][len(before["attempts"]) if before else 0 :]:
        if entry["outcome"] == "worker_lost":
            _check_rescue(world, (job.job_id, entry["n"]), before)
    noted = {entry["n"] for entry in row["attempts"]}
    assert all(n in noted for job_id, n in world.writes if job_id == job.job_id), "an end was lost"


def _check_rescue(world: Moves, attempt: Attempt, before: Row | None) -> None:
    """The sweep takes nobody's job whose lease holds and whose process is there."""
    world.note("rescued")
    if world.claims[attempt] not in world.buried:
        assert before is not None
        assert before["lapsed"]
        assert before["attempt"] == attempt[1]
        assert attempt not in world.step.renewed, "taken from a worker that had just renewed"


def _check_change(world: Moves, job: Accepted, row: Row, before: Row | None) -> None:
    asked = job.job_id in world.asked
    assert not (asked and row["status"] in ("queued", "failed")), "it was to be cancelled"
    spent = row["failures"] >= world.config.EPICODE_MAX_FAILURES
    assert not spent or row["status"] in FINISHED, "it has no chance left"
    if before is not None:
        assert row["attempt"] >= before["attempt"]
        assert row["failures"] >= before["failures"]
        if before["status"] in FINISHED:
            changed = {name for name in row if row[name] != before[name]}
            assert not changed, f"a job that had ended has changed: {changed}"
            return
    if row["status"] in FINISHED:
        _check_end(world, job, row, before)


def _check_end(world: Moves, job: Accepted, row: Row, before: Row | None) -> None:
    last = (job.job_id, row["attempt"])
    final = [write for write in world.writes.get(last, []) if write.status in FINISHED]
    logged = world.logged.get(last, "")
    was_running = before is not None and before["status"] == "in_progress"
    if final:
        said = {final[0].text}
        assert row["status"] == final[0].status
    elif world.step.is_race or row["was_tried_late"]:  # requeued and expired in one sweep
        said = {logged, ""}
    else:
        said = {logged if was_running and not world.step.log_was_away else ""}
    assert row["said"] in said, f"{row}, before: {before}"
    match row["status"]:
        case "completed" | "incomplete":
            assert final, "a reply that nobody wrote"
        case "failed":
            assert row["error"]["code"] in CODES
        case "cancelled":
            assert job.job_id in world.asked, "nobody asked for its cancel"
