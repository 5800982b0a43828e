"""`jobs list`, `jobs cancel` and `jobs requeue`: everybody's jobs, for whoever runs the machine."""

import argparse
import sys
import uuid
from datetime import UTC, datetime

import structlog
from redis.exceptions import RedisError

from commands.database import connected
from commands.sweep import ring
from common import jobs
from common.acceptance import WaitingCaps
from common.catalogue import Catalogue
from common.config import BaseConfig
from common.db import Database
from common.errors import EpiCodeError
from common.live_log import LiveLog
from common.machine import Status
from common.overview import Glimpse, newest_jobs
from common.queue import Doorbells
from common.requeueing import How, Requeued, requeue

HEAD = ("ID", "STATUS", "KIND", "ATTEMPT", "AGE", "OWNER", "MODEL", "WORKER", "ERROR")
SAID = {
    How.PUT_BACK: "put back",
    How.RUNG_ANEW: "waits; its doorbell is sent again",
    How.NEW_JOB: "tried anew as",
}

log = structlog.get_logger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="the newest first")
    listing.add_argument("--status", choices=[status.value for status in Status])
    listing.add_argument("--limit", type=int, default=50)
    for verb, what in (
        ("cancel", "end them; what was said so far stays"),
        ("requeue", "give them another attempt; one that has ended gets a new job"),
    ):
        verbs.add_parser(verb, help=what).add_argument("ids", nargs="+", type=uuid.UUID)


def run(config: BaseConfig, options: argparse.Namespace) -> int:
    with connected(config) as database:
        if options.verb == "list":
            return _list(database, options.status, options.limit)
        change = _cancel if options.verb == "cancel" else _requeue
        changed = [change(config, database, job_id) for job_id in options.ids]
        ring(config, database, Doorbells(config.REDIS_URL))
    return 0 if all(changed) else 1


def _list(database: Database, status: str | None, limit: int) -> int:
    with database.transaction() as session:
        found = newest_jobs(session, status=status, limit=limit)
    rows = [HEAD, *(_row(glimpse) for glimpse in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    return 0


def _row(job: Glimpse) -> tuple[str, ...]:
    age = round((datetime.now(UTC) - job.queued_at).total_seconds())
    return (
        str(job.id),
        job.status,
        job.kind,
        str(job.attempt),
        f"{age} s" if age < 600 else f"{age // 60} min" if age < 36_000 else f"{age // 3600} h",
        job.owner,
        job.model,
        job.lease_owner or "–",
        job.error_code or "–",
    )


def _cancel(config: BaseConfig, database: Database, job_id: uuid.UUID) -> bool:
    with database.transaction() as session:
        job = jobs.ask_to_cancel_as_operator(session, job_id)
    if job is None:
        print(f"{job_id}: there is no such job, or it has ended", file=sys.stderr)
        return False
    live_log = LiveLog.connect(config.REDIS_URL)
    try:
        live_log.ask_to_cancel([job_id])
    except RedisError as error:  # the lease's renewal brings the news
        log.warning("cancel_mark_not_left", error=type(error).__name__)
    finally:
        live_log.close()
    print(f"{job_id}: {'cancelled' if job.status == Status.CANCELLED else 'being cancelled'}")
    return True


def _requeue(config: BaseConfig, database: Database, job_id: uuid.UUID) -> bool:
    catalogue = Catalogue(config.EPICODE_MODELS, config.EPICODE_DEFAULT_MODEL)
    caps = WaitingCaps(config.EPICODE_MAX_WAITING_PER_USER, config.EPICODE_MAX_WAITING)
    done: Requeued | None = None
    try:
        with database.transaction() as session:
            done = requeue(session, job_id, catalogue=catalogue, caps=caps)
    except EpiCodeError as error:
        print(f"{job_id}: refused ({error.code})", file=sys.stderr)
        return False
    if done is None:
        print(f"{job_id}: there is no such job, or it needs no other attempt", file=sys.stderr)
        return False
    heir = f" {done.job_id}" if done.how is How.NEW_JOB else ""
    print(f"{job_id}: {SAID[done.how]}{heir}")
    return True
