"""One worker process: what its slots share, started and stopped as a whole.

Made by `worker_init`, ended by `worker_shutdown`: Celery's bootsteps would stop before the last
task has ended.
"""

import sys
import threading
import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from common import catalogue, memory, ringing
from common.catalogue import Catalogue
from common.config import BaseConfig
from common.db import Database
from common.live_log import LiveLog
from common.queue import Doorbells
from common.tokens import o200k
from worker import metrics
from worker.claim import claim_together
from worker.desk import Desk
from worker.leases import Interruption, Leases
from worker.listener import Listener
from worker.loop import EventLoop
from worker.reply_writer import ReplyWriter
from worker.settlement import settle_together
from worker.sweep import Sweep
from worker.upstream import LISTING_TIMEOUT_SECONDS, Upstream, UpstreamError

SLOT_CONNECTIONS = 10
# Each claim holds a whole window in memory.
CLAIMS_AT_ONCE, ENDS_AT_ONCE = 20, 50
LISTING_SECONDS = 300.0
# A server that takes longer to list its models must not delay the first reply.
LISTING_PATIENCE_SECONDS = 1.0
# Spares the event loop the convoy behind Celery's consumer thread.
SWITCH_INTERVAL_SECONDS = 0.0005

log = structlog.get_logger(__name__)


class WorkerProcess:
    """Database, live log, event loop, desks, leases, writer and sweep of this process."""

    def __init__(self, config: BaseConfig, *, name: str, slots: int, queues: list[str]) -> None:
        self.config = config
        self.name = name
        self.database = Database(config.DATABASE_URL, pool_size=SLOT_CONNECTIONS, wait_seconds=60)
        # Renewals must not queue behind the slots' claims and saves, and a renewal that gets no
        # answer must be given up while there is time for another.
        self._lease_database = Database(
            config.DATABASE_URL, pool_size=1, answer_seconds=config.EPICODE_LEASE_SECONDS / 3
        )
        self.live_log = LiveLog.connect(config.REDIS_URL)
        self._doorbells = Doorbells(config.REDIS_URL)
        self.catalogue = Catalogue(config.EPICODE_MODELS, config.EPICODE_DEFAULT_MODEL)
        # What the server last told this process of its models' limits.
        self.told_limits: dict[str, dict[str, Any]] = {}
        self.loop = EventLoop()
        self.upstream: Upstream
        self.leases = Leases(
            self._lease_database,
            self.live_log,
            name=name,
            slots=slots,
            queues=queues,
            lease=self.lease,
            every_seconds=config.EPICODE_RENEW_SECONDS,
        )
        self.writer = ReplyWriter(
            self.live_log, lambda job_id: self.leases.interrupt(job_id, Interruption.CANCEL)
        )
        metrics.watch_slots(slots, lambda: len(self.leases))
        self._listener = Listener(config.EPICODE_METRICS_HOST, config.EPICODE_METRICS_PORT)
        self.claims = Desk("claims", partial(claim_together, self), most=CLAIMS_AT_ONCE)
        self.ends = Desk("ends", partial(settle_together, self), most=ENDS_AT_ONCE)
        self.sweep = Sweep(self.database, self.live_log, self.ring, config)
        self.is_stopping = threading.Event()
        self._stopped = threading.Event()
        self._listed = threading.Event()
        self._is_settling = False

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.config.EPICODE_LEASE_SECONDS)

    @property
    def ring_timeout(self) -> timedelta:
        return timedelta(seconds=self.config.EPICODE_RING_SECONDS)

    def start(self) -> None:
        """Ready for jobs when it returns. The model list is asked for first, so that a page that
        sees this worker also sees what it can do."""
        sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
        memory.keep_little()
        self.loop.start()
        self.upstream = self.loop.submit(self._connect()).result()
        threading.Thread(target=self._keep_models_fresh, name="models", daemon=True).start()
        self._listed.wait(LISTING_PATIENCE_SECONDS)
        self.writer.start()
        self.leases.report()
        self.leases.start()
        self.sweep.start()
        self._listener.start()
        log.info("worker_started", worker=self.name)

    def settle(self) -> None:
        """What can wait until Celery takes doorbells. Celery tells it anew after each lost
        connection; once is enough."""
        if not self._is_settling:
            self._is_settling = True
            threading.Thread(target=_settle, name="settle", daemon=True).start()

    def begin_stop(self) -> None:
        """Takes no more jobs, gives those that run their time, then has the rest handed over."""
        self.is_stopping.set()
        log.info("worker_stopping", running=len(self.leases))
        threading.Thread(target=self._hand_over_late_ones, name="handover", daemon=True).start()

    def stop(self) -> None:
        """Ends the threads, signs off and rings for whoever else is online."""
        self._stopped.set()
        self._listener.stop()
        self.claims.stop()
        self.ends.stop()
        self.leases.stop()
        self.sweep.stop()
        try:
            self.leases.sign_off()
            self.ring()
        except SQLAlchemyError as error:
            log.warning("not_signed_off", error=type(error).__name__)
        self.writer.stop()
        self.loop.submit(self.upstream.close()).result(timeout=5)
        self.loop.stop()
        self.live_log.close()
        self.database.close()
        self._lease_database.close()
        log.info("worker_stopped", worker=self.name)

    def ring(self) -> None:
        """Fills the free slots. Raises SQLAlchemyError while the database is away."""
        with self.database.transaction() as session:
            doorbells = ringing.pick(session, self.ring_timeout)
        self.send(doorbells)

    def send(self, doorbells: list[ringing.Doorbell]) -> None:
        """Sends doorbells that a committed transaction picked."""
        unsent = self._doorbells.ring(doorbells)
        if unsent:
            self.unmark(unsent)

    def unmark(self, job_ids: list[uuid.UUID]) -> None:
        """Jobs whose ring came to nothing may be rung again at once."""
        try:
            with self.database.transaction() as session:
                ringing.unmark(session, job_ids)
        except SQLAlchemyError as error:  # then the ring is repeated when it has grown old
            log.warning("doorbell_not_unmarked", error=type(error).__name__)

    async def _connect(self) -> Upstream:
        return Upstream(
            self.config.OPENAI_BASE_URL,
            self.config.OPENAI_API_KEY,
            connect_seconds=self.config.EPICODE_CONNECT_SECONDS,
        )

    def _keep_models_fresh(self) -> None:
        while True:
            self._refresh_models()
            self._listed.set()
            if self._stopped.wait(LISTING_SECONDS):
                return

    def _refresh_models(self) -> None:
        """Keeps what the server offers in the `models` table, so that the door need not ask."""
        base_url = self.config.OPENAI_BASE_URL
        try:
            asked = self.loop.submit(self.upstream.list_models())
            listed = asked.result(timeout=2 * LISTING_TIMEOUT_SECONDS)
            self.told_limits = listed
        except (UpstreamError, TimeoutError) as error:
            log.warning("models_not_listed", error=str(error))
            listed = None
        try:
            with self.database.transaction() as session:
                if listed:
                    catalogue.record_listing(session, base_url, listed)
                else:
                    catalogue.forget_other_servers(session, base_url)
        except SQLAlchemyError as error:
            log.warning("models_not_recorded", error=type(error).__name__)

    def _hand_over_late_ones(self) -> None:
        try:
            self.leases.take_no_more()
        except SQLAlchemyError as error:
            log.warning("slots_not_withdrawn", error=type(error).__name__)
        if not self._stopped.wait(self.config.EPICODE_HANDOVER_SECONDS):
            self.leases.interrupt_all(Interruption.SHUTDOWN)


def _settle() -> None:
    o200k()
    memory.settle()


_current: WorkerProcess | None = None


def set_current(process: WorkerProcess | None) -> None:
    global _current
    _current = process


def current() -> WorkerProcess:
    """The process that this task runs in."""
    if _current is None:
        raise RuntimeError("no worker process: start one with celery -A worker.app worker")
    return _current
