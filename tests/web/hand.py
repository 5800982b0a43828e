"""A worker's verbs by hand, one at a time, so that a test decides what is seen and when."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from common import catalogue, jobs, workers
from common.config import BaseConfig
from common.db import Database
from common.errors import EpiCodeError
from common.jobs import Said, Usage
from common.live_log import LiveLog, NewText
from common.models import Job
from common.shown import shown_fields

LEASE = timedelta(minutes=10)


@dataclass
class Hand:
    """What a worker does to the tables and to the live log. Jobs are named by their id's text."""

    database: Database
    live_log: LiveLog

    @classmethod
    def of(cls, config: BaseConfig) -> "Hand":
        return cls(Database(config.DATABASE_URL, pool_size=2), LiveLog.connect(config.REDIS_URL))

    def close(self) -> None:
        self.database.close()
        self.live_log.close()

    def claim(self, job_id: str, *, show: bool = True) -> int:
        """Claims the job and, unless told not to, shows it in the live log; the attempt."""
        with self.database.transaction() as session:
            job = jobs.claim(
                session, uuid.UUID(job_id), owner="worker-1@here", lease=LEASE, budget=LEASE
            )
            assert job is not None, "not startable"
            shown, owner, attempt = shown_fields(job), job.user_id, job.attempt
        if show:
            self.live_log.show([(uuid.UUID(job_id), attempt, owner, shown)])
        return attempt

    def write(self, job_id: str, text: str, *, attempt: int = 1) -> None:
        """Adds to what a running attempt has said."""
        job, said = uuid.UUID(job_id), text.encode()
        expected = len(self.live_log.text(job, attempt))
        flushed = self.live_log.append([NewText(job, attempt, expected, said)], [])
        assert not flushed.refused

    def complete(
        self, job_id: str, text: str, *, attempt: int = 1, cost: Decimal | None = None
    ) -> None:
        usage = Usage(20, 10, cost=cost)
        said = Said(text=text, token_count=1, finish_reason="stop", usage=usage)
        with self.database.transaction() as session:
            assert jobs.complete(session, uuid.UUID(job_id), attempt, said), "the fence is lost"
        self.live_log.mark_done(uuid.UUID(job_id), attempt)

    def note_window(self, job_id: str, window: dict[str, Any], *, attempt: int = 1) -> None:
        """Records what the attempt sends."""
        with self.database.transaction() as session:
            assert jobs.note_window(session, uuid.UUID(job_id), attempt, window)

    def fail(self, job_id: str, code: str, *, attempt: int = 1, **numbers: Any) -> None:
        error = EpiCodeError(code, **numbers).as_record()
        with self.database.transaction() as session:
            assert jobs.fail(session, uuid.UUID(job_id), attempt, error), "the fence is lost"
        self.live_log.mark_done(uuid.UUID(job_id), attempt)

    def requeue(self, job_id: str, *, attempt: int = 1, wait: timedelta = timedelta(0)) -> None:
        with self.database.transaction() as session:
            requeued = jobs.requeue(
                session, uuid.UUID(job_id), attempt, outcome="upstream_unavailable", wait=wait
            )
            assert requeued, "the fence is lost"
        self.live_log.mark_done(uuid.UUID(job_id), attempt)

    def answer(self, job_id: str, text: str = "¡hola!") -> None:
        """The whole life of a job."""
        self.complete(job_id, text, attempt=self.claim(job_id))

    def come_online(self, *, slots: int = 10, busy: int = 0) -> None:
        with self.database.transaction() as session:
            workers.report(
                session, name="worker-1@here", pid=1, slots=slots, busy=busy, queues=["interactive"]
            )

    def go_offline(self) -> None:
        with self.database.transaction() as session:
            workers.sign_off(session, name="worker-1@here", pid=1)

    def let_wait(self, job_id: str, seconds: int = 10) -> None:
        """As if the job had been posted so much earlier."""
        with self.database.transaction() as session:
            job = session.get_one(Job, uuid.UUID(job_id))
            job.queued_at -= timedelta(seconds=seconds)

    def list_models(self, **limits: dict[str, Any]) -> None:
        """From now on the model server offers exactly these, with their limits."""
        listed = {name.replace("_", "-"): told for name, told in limits.items()}
        with self.database.transaction() as session:
            catalogue.record_listing(session, "http://127.0.0.1/v1", listed)

    def job(self, job_id: str) -> Job:
        with self.database.transaction() as session:
            return session.get_one(Job, uuid.UUID(job_id))
