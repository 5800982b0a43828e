"""Workers played by hand: all of a worker's real parts but Celery and the model.

Leases are renewed, replies flushed and lost jobs swept by the product's own threads; what is said,
and how each attempt ends, comes from a seed.

    with Crew(config, redis_url=line) as crew:
        crew.play(Play(job_id, seed))     # from its claim to its end, over some attempts
"""

import random
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Self

import redis
from redis.exceptions import RedisError
from sqlalchemy import select

from common import jobs
from common.config import BaseConfig
from common.db import Database
from common.errors import EpiCodeError
from common.jobs import Said
from common.live_log import LiveLog
from common.machine import FINISHED
from common.models import Job
from common.shown import shown_fields
from tests.random_text import another_text, random_pieces
from tests.stack import wait_until
from worker.leases import Interruption, Lease, Leases
from worker.reply_writer import ReplyLog, ReplyWriter
from worker.sweep import Sweep

LAST = ("completed", "completed", "completed", "incomplete", "failed", "cancelled")
NOT_LAST = (
    *("requeued", "requeued", "handed over", "handed over", "lost", "lost", "lost"),
    *("cancelled while lost", "taken off"),
)
FRAGMENT_SECONDS = 0.25
SWEPT_SECONDS = 30
# Where the product takes 15 s: a hash whose worker died before it wrote `done`.
HASH_MILLISECONDS = 250


@dataclass
class Play:
    """One job's life. `logs` has what each attempt said, `ways` how each ended."""

    job_id: str
    seed: str
    logs: dict[int, ReplyLog] = field(default_factory=dict)
    ways: list[str] = field(default_factory=list)
    # Lost attempts whose process goes on speaking, as one does that was frozen and thawed.
    frozen: list[tuple["Hands", ReplyLog]] = field(default_factory=list)
    # A worker didn't write the end: what was shown may be more than what could be saved.
    ended_without_its_worker: bool = False

    def __post_init__(self) -> None:
        self.id = uuid.UUID(self.job_id)
        self.chance = random.Random(f"worker {self.seed}")

    def said(self, attempt: int) -> str:
        """All that an attempt said; nothing before the first."""
        return self.logs[attempt].text() if attempt else ""


class Hands:
    """One worker process's parts."""

    def __init__(self, config: BaseConfig, redis_url: str, name: str) -> None:
        self.name = name
        self.lease = timedelta(seconds=config.EPICODE_LEASE_SECONDS)
        self.database = Database(config.DATABASE_URL, pool_size=10, wait_seconds=60)
        self._lease_database = Database(config.DATABASE_URL, pool_size=1)
        self.live_log = LiveLog.connect(redis_url)
        self.leases = Leases(
            self._lease_database,
            self.live_log,
            name=name,
            slots=0,
            queues=["interactive"],
            lease=self.lease,
            every_seconds=config.EPICODE_RENEW_SECONDS,
        )
        self.writer = ReplyWriter(
            self.live_log, lambda job_id: self.leases.interrupt(job_id, Interruption.CANCEL)
        )

    def start(self) -> None:
        self.leases.report()
        self.leases.start()
        self.writer.start()

    def stop(self) -> None:
        self.leases.stop()
        self.writer.stop()
        self.live_log.close()
        self.database.close()
        self._lease_database.close()


class Crew:
    """Two worker processes and the sweep. `redis_url` is how they reach Valkey."""

    def __init__(self, config: BaseConfig, redis_url: str) -> None:
        self._hands = [Hands(config, redis_url, f"worker-{n}@here") for n in (1, 2)]
        self._database = self._hands[0].database
        self._valkey = redis.Redis.from_url(config.REDIS_URL)
        self._sweep_log = LiveLog.connect(config.REDIS_URL)
        self._sweep = Sweep(self._database, self._sweep_log, lambda: None, config)

    def __enter__(self) -> Self:
        for hands in self._hands:
            hands.start()
        self._sweep.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sweep.stop()
        for hands in self._hands:
            hands.stop()
        self._sweep_log.close()
        self._valkey.close()

    def play(self, play: Play) -> None:
        """Speaks for a queued job until it has ended."""
        chance = play.chance
        attempts = chance.choice((1, 1, 2, 2, 3, 4))
        time.sleep(chance.uniform(0, 0.5))
        # drawn elsewhere: how often a job can't be claimed yet is no part of the seed
        draw = random.Random(f"hands {play.seed}")
        while self._status(play) not in FINISHED:
            self._attempt(draw.choice(self._hands), play, attempts)
        for hands, reply_log in play.frozen:
            with hands.database.transaction() as session:
                too_late = Said(text=reply_log.text(), token_count=1, finish_reason="stop")
                assert not jobs.complete(session, play.id, reply_log.attempt, too_late)
            hands.writer.close(reply_log)

    def _attempt(self, hands: Hands, play: Play, attempts: int) -> None:
        with hands.database.transaction() as session:
            job = jobs.claim(
                session, play.id, owner=hands.name, lease=hands.lease, budget=timedelta(minutes=5)
            )
            if job is None:  # it waits, or was taken off the queue
                time.sleep(0.03)
                return
            lease = Lease(play.id, job.attempt, job.user_id, shown_fields(job))
        hands.leases.add(lease)
        with suppress(RedisError):
            hands.live_log.show([(lease.job_id, lease.attempt, lease.owner, lease.shown)])
        way = play.chance.choice(NOT_LAST if lease.attempt < attempts else LAST)
        play.ways.append(way)
        reply_log = self._speak(hands, play, lease, way)
        if way in ("lost", "cancelled while lost"):
            self._lose(hands, play, lease, reply_log, is_cancelled=way != "lost")
            return
        hands.writer.close(reply_log)
        said = Said(text=reply_log.text(), token_count=1, finish_reason="stop")
        self._settle(hands, play, lease, way, said)
        self._mark_done(hands, play, lease.attempt)
        hands.leases.drop(lease)
        if way == "taken off":
            play.ended_without_its_worker = True
            self._ask_to_cancel(play, lease.owner)

    def _speak(self, hands: Hands, play: Play, lease: Lease, way: str) -> ReplyLog:
        chance = play.chance
        reply_log = hands.writer.open(play.id, lease.attempt)
        play.logs[lease.attempt] = reply_log
        text = another_text(chance, play.said(lease.attempt - 1))
        pieces = random_pieces(chance, text)
        asked_at = chance.randrange(len(pieces)) if way == "cancelled" else None
        for at, piece in enumerate(pieces):
            reply_log.write(piece)
            for _, frozen in play.frozen:
                frozen.write(chance.choice(("", "too late", "é")))
            if at == asked_at:
                self._ask_to_cancel(play, lease.owner)
            if chance.random() < 0.04:
                self._lose_log(play, lease.attempt)
            time.sleep(chance.uniform(0, FRAGMENT_SECONDS))
        if way == "cancelled":
            wait_until(lambda: lease.interruption is Interruption.CANCEL, what="the cancel")
        return reply_log

    def _settle(self, hands: Hands, play: Play, lease: Lease, way: str, said: Said) -> None:
        error = EpiCodeError("upstream_unavailable", retryable=True).as_record()
        wait = timedelta(seconds=play.chance.uniform(0, 0.1))
        job_id, attempt = play.id, lease.attempt
        with hands.database.transaction() as session:
            match way:
                case "completed":
                    job = jobs.complete(session, job_id, attempt, said)
                case "incomplete":
                    because = "max_output_tokens"
                    job = jobs.complete(session, job_id, attempt, said, incomplete_because=because)
                case "failed":
                    job = jobs.fail(session, job_id, attempt, error, said)
                case "cancelled":
                    job = jobs.cancel(session, job_id, attempt, said)
                case "handed over":
                    job = jobs.hand_over(session, job_id, attempt)
                case _:
                    outcome = "upstream_unavailable"
                    job = jobs.requeue(session, job_id, attempt, outcome=outcome, wait=wait)
            assert job is not None, f"{way}: the fence is lost"

    def _lose(
        self, hands: Hands, play: Play, lease: Lease, reply_log: ReplyLog, *, is_cancelled: bool
    ) -> None:
        """Its process stops renewing; the sweep finds the lease lapsed, and perhaps no log."""
        hands.leases.drop(lease)
        play.frozen.append((hands, reply_log))
        if play.chance.random() < 0.4:
            self._valkey.delete(f"live:{play.job_id}:{lease.attempt}:text")
        if is_cancelled:
            self._ask_to_cancel(play, lease.owner)

        self._wait_for_sweep(hands, play, lease)
        if self._status(play) in FINISHED:
            play.ended_without_its_worker = True
        self._shorten_hash(play)

    def _wait_for_sweep(self, hands: Hands, play: Play, lease: Lease) -> None:
        ends_at = time.monotonic() + SWEPT_SECONDS
        while True:
            # again and again, because one of its renewals may have been on its way
            with hands.database.transaction() as session:
                if not jobs.renew(session, [(play.id, lease.attempt)], lease=timedelta(0)):
                    return
            assert time.monotonic() < ends_at, f"{play.seed}: nobody swept attempt {lease.attempt}"
            time.sleep(0.2)

    def _mark_done(self, hands: Hands, play: Play, attempt: int) -> None:
        """Most of the time: some workers die between their commit and this."""
        if play.chance.random() < 0.8:
            with suppress(RedisError):
                hands.live_log.mark_done(play.id, attempt)
                return
        self._shorten_hash(play)

    def _shorten_hash(self, play: Play) -> None:
        self._valkey.pexpire(f"live:{play.job_id}", HASH_MILLISECONDS)

    def _lose_log(self, play: Play, attempt: int) -> None:
        key = f"live:{play.job_id}"
        losses: list[Callable[[], object]] = [
            lambda: self._valkey.delete(key),
            lambda: self._valkey.delete(f"{key}:{attempt}:text"),
            lambda: self._valkey.delete(key, f"{key}:{attempt}:text"),
            lambda: self._valkey.pexpire(key, 50),
        ]
        play.chance.choice(losses)()

    def _ask_to_cancel(self, play: Play, owner: uuid.UUID) -> None:
        with self._database.transaction() as session:
            jobs.ask_to_cancel(session, play.id, owner)
        with suppress(RedisError):
            self._sweep_log.ask_to_cancel([play.id])

    def _status(self, play: Play) -> str:
        with self._database.transaction() as session:
            return session.execute(select(Job.status).where(Job.id == play.id)).scalar_one()
