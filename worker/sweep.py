"""The sweep: a plain loop in every worker process that heals what was lost.

It is no Celery task: the way over the broker is exactly what is broken when it is needed. Guarded
UPDATEs only, so any number of copies is safe.
"""

import heapq
import math
import random
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

import structlog
from redis.exceptions import RedisError
from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from common import idempotency, jobs, ringing, workers
from common.config import BaseConfig
from common.db import Database
from common.errors import EpiCodeError
from common.jobs import JobRow, Said
from common.live_log import LiveLog
from common.machine import Status
from common.models import Job
from common.tokens import count_tokens
from worker import metrics
from worker.place import is_gone, this_place

JITTER = 0.2
AT_ONCE = 200
HOUSEKEEPING_SECONDS = 3600.0

log = structlog.get_logger(__name__)


class Sweep:
    """The sweeping thread; it also rings when a wait that was asked for is over."""

    def __init__(
        self, database: Database, live_log: LiveLog, ring: Callable[[], None], config: BaseConfig
    ) -> None:
        self._database = database
        self._live_log = live_log
        self._ring = ring
        self._config = config
        self._place = this_place()
        self._due: list[float] = []
        self._rang_at = 0.0
        self._changed = threading.Condition()
        self._stopping = False
        self._tidied_at = -math.inf
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout=5)

    def ring_in(self, seconds: float) -> None:
        """Rings after so long, and not right after a ring: of many jobs that end at once the first
        rings at once, and one ring is for all others. Should this process die before, the next
        sweep rings."""
        with self._changed:
            due = max(time.monotonic() + seconds, self._rang_at + ringing.BETWEEN_RINGS_SECONDS)
            heapq.heappush(self._due, due)
            self._changed.notify()

    def sweep(self) -> None:
        """One pass. Raises SQLAlchemyError while the database is away."""
        self._rescue_lost()
        self._end_overdue()
        self._ring()
        if time.monotonic() - self._tidied_at > HOUSEKEEPING_SECONDS:
            self._tidied_at = time.monotonic()
            with self._database.transaction() as session:
                idempotency.forget_old(session)
                workers.forget_lost(session)

    def _run(self) -> None:
        next_sweep = time.monotonic()
        while not self._stopping:
            due = self._wait_until(next_sweep)
            try:
                if due:
                    self._rang_at = time.monotonic()
                    self._ring()
                else:
                    every = self._config.EPICODE_SWEEP_SECONDS
                    next_sweep = time.monotonic() + every * random.uniform(1 - JITTER, 1 + JITTER)
                    self.sweep()
            except SQLAlchemyError as error:
                log.warning("sweep_failed", error=type(error).__name__)
            except Exception as defect:  # the thread's door: whatever it was, the next pass comes
                log.error("sweep_crashed", exc_info=defect)

    def _wait_until(self, next_sweep: float) -> bool:
        """Waits for the next sweep; True: woken earlier, because somebody's wait is over."""
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                if self._due and self._due[0] <= now:
                    while self._due and self._due[0] <= now:
                        heapq.heappop(self._due)
                    return True
                if next_sweep <= now:
                    return False
                self._changed.wait(min([next_sweep, *self._due[:1]]) - now)
        return False

    def _rescue_lost(self) -> None:
        """Jobs whose worker is gone, or let its lease lapse, get another attempt or their end."""
        gone = self._gone_neighbours()
        is_lost = and_(
            Job.status == Status.IN_PROGRESS,
            or_(
                Job.lease_expires_at < func.now(),
                Job.lease_owner.in_([workers.lease_owner(name, pid) for name, pid in gone]),
            ),
        )
        with self._database.transaction() as session:
            lost = session.execute(
                select(Job.id, Job.attempt)
                .where(is_lost)
                .order_by(Job.lease_expires_at)
                .limit(AT_ONCE)
            ).all()
        for job_id, attempt in lost:
            said = self._said_so_far(job_id, attempt)
            with self._database.transaction() as session:
                job = session.scalars(
                    select(Job)
                    .where(Job.id == job_id, Job.attempt == attempt, is_lost)
                    .with_for_update(skip_locked=True)
                ).one_or_none()
                ended = self._rescue(session, job, said) if job is not None else None
            if ended is not None:
                log.warning("job_rescued", job_id=str(job_id), attempt=attempt, status=ended.status)
                metrics.rescued(ended.model, ended.status)
                self._mark_done(job_id, attempt)
        if gone and len(lost) < AT_ONCE:
            with self._database.transaction() as session:
                for name, pid in gone:
                    workers.sign_off(session, name=name, pid=pid)

    def _gone_neighbours(self) -> list[tuple[str, int]]:
        """Workers of this machine that died without signing off: no lease need be waited for."""
        if self._place is None:
            return []
        with self._database.transaction() as session:
            neighbours = workers.neighbours(session, self._place)
        return [(name, pid) for name, pid in neighbours if is_gone(pid)]

    def _rescue(self, session: Session, job: Job, said: Said) -> JobRow | None:
        if job.failures + 1 >= self._config.EPICODE_MAX_FAILURES:
            error = EpiCodeError("worker_lost", retryable=True, failures=job.failures + 1)
            return jobs.fail(session, job.id, job.attempt, error.as_record(), said)
        if session.scalar(select(Job.deadline_at <= func.now()).where(Job.id == job.id)):
            error = EpiCodeError("deadline_exceeded", retryable=True)
            return jobs.fail(
                session, job.id, job.attempt, error.as_record(), said, outcome="worker_lost"
            )
        return jobs.requeue(
            session, job.id, job.attempt, outcome="worker_lost", wait=timedelta(0), said=said
        )

    def _end_overdue(self) -> None:
        """No job stays unfinished for ever: not waiting, and not in a worker that ignores time."""
        config = self._config
        waited = timedelta(seconds=config.EPICODE_WAITING_SECONDS)
        grace = timedelta(seconds=config.EPICODE_LEASE_SECONDS)
        with self._database.transaction() as session:
            waiting = session.execute(
                select(Job.id, Job.attempt)
                .where(
                    Job.status == Status.QUEUED,
                    or_(Job.queued_at < func.now() - waited, Job.deadline_at < func.now()),
                )
                .limit(AT_ONCE)
            ).all()
            running = session.execute(
                select(Job.id, Job.attempt)
                .where(Job.status == Status.IN_PROGRESS, Job.deadline_at < func.now() - grace)
                .limit(AT_ONCE)
            ).all()
        for job_id, attempt in waiting:
            code = "deadline_exceeded" if attempt else "expired"
            record = EpiCodeError(code, retryable=True).as_record()
            expired = None
            with self._database.transaction() as session:
                if _is_free(session, job_id):
                    expired = jobs.expire(session, job_id, record)
            if expired is not None:
                metrics.ended_by_sweep(expired.status)
        for job_id, attempt in running:
            said = self._said_so_far(job_id, attempt)
            record = EpiCodeError("deadline_exceeded", retryable=True).as_record()
            ended = None
            with self._database.transaction() as session:
                if _is_free(session, job_id):
                    ended = jobs.fail(session, job_id, attempt, record, said)
            if ended is not None:
                metrics.ended_by_sweep(ended.status)
                self._mark_done(job_id, attempt)

    def _mark_done(self, job_id: uuid.UUID, attempt: int) -> None:
        """Its worker can't any more: readers would be told that it runs until the hash expires."""
        try:
            self._live_log.mark_done(job_id, attempt)
        except RedisError as error:
            log.warning("live_log_not_marked_done", error=type(error).__name__)

    def _said_so_far(self, job_id: uuid.UUID, attempt: int) -> Said:
        """The live log's text of the last attempt, or nothing if Redis lost it."""
        try:
            # a log that something else has damaged must not keep its job from ending
            text = self._live_log.text(job_id, attempt).decode(errors="ignore").replace("\0", "")
        except RedisError:
            return jobs.NOTHING_SAID
        return Said(text=text, token_count=count_tokens(text)) if text else jobs.NOTHING_SAID


def _is_free(session: Session, job_id: uuid.UUID) -> bool:
    """Whether nobody holds the job's row, which is ours from now on. Its holder may be frozen in
    the midst of a transaction: a sweep that waited for one job would see to no other."""
    mine = select(Job.id).where(Job.id == job_id).with_for_update(skip_locked=True)
    return session.scalar(mine) is not None
