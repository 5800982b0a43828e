"""The leases of a worker process: all renewed by one thread in one UPDATE every few seconds.

Never by arriving chunks, or a silent model would lose its lease. The renewal is also how a job
learns that its fence is lost or that a cancel was asked while Redis was away.
"""

import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from common import jobs, workers
from common.db import Database
from common.live_log import LiveLog
from worker import metrics
from worker.place import this_place

RETRY_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Interruption(Enum):
    """Why a running attempt was stopped from outside."""

    CANCEL = "cancel"
    FENCE_LOST = "fence_lost"
    SHUTDOWN = "shutdown"


@dataclass
class Lease:
    """One running attempt: who owns the job, what its poll shows, how to stop it."""

    job_id: uuid.UUID
    attempt: int
    owner: uuid.UUID
    shown: dict[str, Any]
    interruption: Interruption | None = None
    _stop: Callable[[], object] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def interrupt(self, why: Interruption) -> None:
        """Stops the attempt; the first reason counts."""
        with self._lock:
            if self.interruption is None:
                self.interruption = why
                if self._stop is not None:
                    self._stop()

    def stop_with(self, stop: Callable[[], object]) -> None:
        """Says how to stop it from now on; an interruption that came earlier stops it at once."""
        with self._lock:
            self._stop = stop
            if self.interruption is not None:
                stop()


class Leases:
    """The renewing thread, which also reports that this process is alive."""

    def __init__(
        self,
        database: Database,
        live_log: LiveLog,
        *,
        name: str,
        slots: int,
        queues: list[str],
        lease: timedelta,
        every_seconds: float,
    ) -> None:
        self._database = database
        self._live_log = live_log
        self._name = name
        self._slots = slots
        self._queues = queues
        self._place = this_place()
        self._lease = lease
        self._every_seconds = every_seconds
        self._held: dict[uuid.UUID, Lease] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=5)

    def __len__(self) -> int:
        return len(self._held)

    def add(self, lease: Lease) -> None:
        self._held[lease.job_id] = lease

    def drop(self, lease: Lease) -> None:
        if self._held.get(lease.job_id) is lease:
            del self._held[lease.job_id]

    def interrupt(self, job_id: uuid.UUID, why: Interruption) -> None:
        lease = self._held.get(job_id)
        if lease is not None:
            lease.interrupt(why)

    def interrupt_all(self, why: Interruption) -> None:
        for lease in list(self._held.values()):
            lease.interrupt(why)

    def take_no_more(self) -> None:
        """From now on this process offers no slot, so that nobody rings for it."""
        self._slots = 0
        self.report()

    def report(self) -> None:
        """Says in the `workers` table that this process is alive."""
        with self._database.transaction() as session:
            workers.report(
                session,
                name=self._name,
                pid=os.getpid(),
                slots=self._slots,
                busy=len(self),
                queues=self._queues,
                place=self._place,
            )

    def sign_off(self) -> None:
        """Says that this process is gone."""
        with self._database.transaction() as session:
            workers.sign_off(session, name=self._name, pid=os.getpid())

    def _run(self) -> None:
        wait = self._every_seconds
        while not self._stopping.wait(wait):
            began_at = time.monotonic()
            try:
                self._renew(list(self._held.values()))
                wait = max(0.1, self._every_seconds - (time.monotonic() - began_at))
            except SQLAlchemyError as error:
                metrics.RENEWALS_FAILED.inc()
                log.warning("leases_not_renewed", error=type(error).__name__, held=len(self))
                wait = min(RETRY_SECONDS, self._every_seconds)
            except Exception as defect:  # the thread's door: without it every lease would lapse
                log.error("renewal_crashed", exc_info=defect)
                wait = min(RETRY_SECONDS, self._every_seconds)

    def _renew(self, held: list[Lease]) -> None:
        self.report()
        with self._database.transaction() as session:
            renewed = jobs.renew(
                session, [(lease.job_id, lease.attempt) for lease in held], lease=self._lease
            )
        kept = {(row.job_id, row.attempt): row for row in renewed}
        still_mine = []
        for lease in held:
            row = kept.get((lease.job_id, lease.attempt))
            if row is None:
                # It may have ended in this very moment; then nobody holds it any more.
                if self._held.get(lease.job_id) is lease:
                    metrics.FENCES_LOST.inc()
                    log.warning("fence_lost", job_id=str(lease.job_id), attempt=lease.attempt)
                    lease.interrupt(Interruption.FENCE_LOST)
                continue
            still_mine.append(lease)
            if row.cancel_requested:
                lease.shown["cancelling"] = True
                lease.interrupt(Interruption.CANCEL)
        self._show(still_mine)

    def _show(self, held: list[Lease]) -> None:
        if held:
            try:
                self._live_log.show(
                    (lease.job_id, lease.attempt, lease.owner, lease.shown) for lease in held
                )
            except RedisError as error:
                log.warning("live_log_not_shown", error=type(error).__name__)
