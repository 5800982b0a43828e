"""Taking a job: claim its row, load what it needs as plain values, build its window.

One transaction; after it no session is held. Losing the claim is an exception for Celery's sake
and no error: the row decided.
"""

import os
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from common import branches, jobs, titles
from common.catalogue import Limits
from common.db import Transaction
from common.errors import EpiCodeError
from common.jobs import JobRow
from common.machine import Status
from common.models import Job
from common.shown import context, shown_fields
from common.workers import lease_owner
from worker import metrics, titling
from worker.context_window import Window, build_window
from worker.leases import Lease
from worker.process import WorkerProcess

# What of the budget is tried once more when the model says that the window is too long.
SMALLER_WINDOW = 0.6
TITLE = "title"

log = structlog.get_logger(__name__)


class NotStartable(Exception):
    """The ring came too early: the job still waits for something."""


class NothingToDo(Exception):
    """The job is finished, gone, or another worker's."""


@dataclass(frozen=True)
class Claimed:
    """Plain values of a claimed job: no session behind them."""

    lease: Lease
    failures: int
    budget_seconds: float
    limits: Limits
    params: dict[str, Any]
    conversation_id: uuid.UUID
    prompt_message_id: uuid.UUID
    kind: str
    window: Window
    request_id: str | None  # of the post
    waited: timedelta
    started_at: datetime  # the database's clock
    claimed_at: float  # the same moment on this process's monotonic clock


def claim(process: WorkerProcess, job_id: uuid.UUID) -> Claimed:
    """Takes the job and loads what it needs, in one transaction."""
    if process.is_stopping.is_set():
        process.unmark([job_id])
        raise NotStartable("the worker is stopping")
    try:
        with process.database.bare_transaction() as session:
            job = jobs.claim(
                session,
                job_id,
                owner=lease_owner(process.name, os.getpid()),
                lease=process.lease,
                budget=timedelta(seconds=process.config.EPICODE_JOB_SECONDS),
            )
            if job is None:
                raise _why_not(session, job_id)
            claimed = _load(process, session, job)
    except SQLAlchemyError as error:
        # Should the claim have been committed after all, its lease lapses and the sweep rescues it.
        log.warning("claim_failed", job_id=str(job_id), error=type(error).__name__)
        raise NotStartable("the database is away") from None
    except NotStartable:
        process.unmark([job_id])
        raise
    lease = claimed.lease
    if lease.attempt == 1 and claimed.kind != TITLE:
        metrics.claimed(claimed.waited)
    process.leases.add(lease)
    try:
        process.live_log.show([(lease.job_id, lease.attempt, lease.owner, lease.shown)])
    except RedisError as error:
        log.warning("live_log_not_shown", error=type(error).__name__)
    return claimed


def smaller_window(process: WorkerProcess, claimed: Claimed) -> Window | None:
    """A window with fewer turns, recorded; None: there is nothing to leave out, or the fence is
    lost."""
    if claimed.kind == TITLE:
        return None
    budget = int(claimed.window.budget * SMALLER_WINDOW)
    lease = claimed.lease
    with process.database.bare_transaction() as session:
        window = _window(session, claimed.conversation_id, claimed.prompt_message_id, budget)
        if len(window.parts) == len(claimed.window.parts):
            return None
        record = window.as_record(claimed.limits.context_window)
        if not jobs.note_window(session, lease.job_id, lease.attempt, record):
            return None
    lease.shown["context"] = context(record)
    log.info("window_made_smaller", sent=len(window.parts))
    return window


def _why_not(session: Transaction, job_id: uuid.UUID) -> NotStartable | NothingToDo:
    status = session.scalar(select(Job.status).where(Job.id == job_id))
    return NotStartable("it waits") if status == Status.QUEUED else NothingToDo(str(status))


def _load(process: WorkerProcess, session: Transaction, job: JobRow) -> Claimed:
    told = process.told_limits.get(job.model)
    catalogue = process.catalogue
    limits = (
        catalogue.limits(job.model, told)
        if told is not None
        else catalogue.limits_now(session, job.model)
    )
    budget = limits.budget(job.params)
    if job.kind == TITLE:
        begins = titles.material(session, job.prompt_message_id)
        window = titling.window_for(begins, job.prompt_message_id, budget)
    else:
        window = _window(session, job.conversation_id, job.prompt_message_id, budget)
    record = window.as_record(limits.context_window)
    jobs.note_window(session, job.id, job.attempt, record)
    shown = shown_fields(job) | {"context": context(record)}
    config = process.config
    assert job.started_at is not None  # every claim sets both
    assert job.deadline_at is not None
    left = (job.deadline_at - job.started_at).total_seconds()
    return Claimed(
        lease=Lease(job.id, job.attempt, job.user_id, shown),
        failures=job.failures,
        budget_seconds=max(0.0, min(config.EPICODE_ATTEMPT_SECONDS, left)),
        limits=limits,
        params=job.params,
        conversation_id=job.conversation_id,
        prompt_message_id=job.prompt_message_id,
        kind=job.kind,
        window=window,
        request_id=job.request_id,
        waited=job.started_at - job.queued_at,
        started_at=job.started_at,
        claimed_at=time.monotonic(),
    )


def _window(
    session: Transaction, conversation_id: uuid.UUID, prompt_id: uuid.UUID, budget: int
) -> Window:
    messages = branches.for_window(session, conversation_id, prompt_id, budget)
    try:
        return build_window(messages, budget)
    except EpiCodeError:
        # The door measured this turn for another model's limits: let this model say no itself.
        return build_window([messages[0], messages[-1]], 10**9)
