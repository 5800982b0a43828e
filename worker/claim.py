"""Taking jobs: hold their rows, load what they need as plain values, build their windows, claim.

One transaction for all that have come together; after it no session is held. Losing the claim is an
exception for Celery's sake and no error: the row decided.
"""

import os
import time
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from common import branches, jobs, titles
from common.branches import WindowFor
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

if TYPE_CHECKING:  # which has the desk where all this is asked for
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


def claim(process: "WorkerProcess", job_id: uuid.UUID) -> Claimed:
    """Takes the job and loads what it needs. Raises NotStartable or NothingToDo."""
    if process.is_stopping.is_set():
        process.unmark([job_id])
        raise NotStartable("the worker is stopping")
    return process.claims.ask(job_id) or _claim_alone(process, job_id)


def claim_together(process: "WorkerProcess", job_ids: Sequence[uuid.UUID]) -> list[Claimed | None]:
    """Takes those that are startable and that nobody holds, in one transaction; None for others."""
    try:
        with process.database.bare_transaction() as session:
            held = jobs.hold_startable(session, list(dict.fromkeys(job_ids)))
            claimed = _take(process, session, held) if held else {}
    except SQLAlchemyError as error:
        log.warning("claims_failed", jobs=len(job_ids), error=type(error).__name__)
        return [None] * len(job_ids)
    _begin(process, claimed.values())
    return [claimed.pop(job_id, None) for job_id in job_ids]


def _claim_alone(process: "WorkerProcess", job_id: uuid.UUID) -> Claimed:
    """Takes it, waiting for whoever holds it just now, or says why it can't be had."""
    try:
        with process.database.bare_transaction() as session:
            held = jobs.hold_startable(session, [job_id], wait=True)
            if not held:
                raise _why_not(session, job_id)
            claimed = _take(process, session, held)[job_id]
    except SQLAlchemyError as error:
        # Should the claim have been committed after all, its lease lapses and the sweep rescues it.
        log.warning("claim_failed", job_id=str(job_id), error=type(error).__name__)
        raise NotStartable("the database is away") from None
    except NotStartable:
        process.unmark([job_id])
        raise
    _begin(process, [claimed])
    return claimed


def _begin(process: "WorkerProcess", claimed: Collection[Claimed]) -> None:
    """From now on their leases are renewed, and polls find them in the live log."""
    leases = [one.lease for one in claimed]
    for one in claimed:
        if one.lease.attempt == 1 and one.kind != TITLE:
            metrics.claimed(one.waited)
        process.leases.add(one.lease)
    try:
        process.live_log.show(
            (lease.job_id, lease.attempt, lease.owner, lease.shown) for lease in leases
        )
    except RedisError as error:
        log.warning("live_log_not_shown", error=type(error).__name__)
    except Exception as defect:  # they are claimed all the same, and the next renewal shows them
        log.error("live_log_not_shown", exc_info=defect)


def smaller_window(process: "WorkerProcess", claimed: Claimed) -> Window | None:
    """A window with fewer turns, recorded; None: there is nothing to leave out, or the fence is
    lost."""
    if claimed.kind == TITLE:
        return None
    budget = int(claimed.window.budget * SMALLER_WINDOW)
    lease = claimed.lease
    with process.database.bare_transaction() as session:
        asked = WindowFor(claimed.conversation_id, claimed.prompt_message_id, budget)
        (window,) = _windows(session, [asked])
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


def _take(
    process: "WorkerProcess", session: Transaction, held: Sequence[JobRow]
) -> dict[uuid.UUID, Claimed]:
    """Builds the windows of jobs that are held, and claims them."""
    config = process.config
    limits = {job.id: _limits(process, session, job.model) for job in held}
    windows = _windows_of(session, held, limits)
    records = {
        job_id: window.as_record(limits[job_id].context_window)
        for job_id, window in windows.items()
    }
    claimed = jobs.claim_held(
        session,
        records,
        owner=lease_owner(process.name, os.getpid()),
        lease=process.lease,
        budget=timedelta(seconds=config.EPICODE_JOB_SECONDS),
    )
    return {
        job.id: _claimed(job, windows[job.id], limits[job.id], config.EPICODE_ATTEMPT_SECONDS)
        for job in claimed
    }


def _claimed(job: JobRow, window: Window, limits: Limits, attempt_seconds: float) -> Claimed:
    assert job.started_at is not None  # every claim sets both
    assert job.deadline_at is not None
    left = (job.deadline_at - job.started_at).total_seconds()
    return Claimed(
        lease=Lease(job.id, job.attempt, job.user_id, shown_fields(job)),
        failures=job.failures,
        budget_seconds=max(0.0, min(attempt_seconds, left)),
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


def _limits(process: "WorkerProcess", session: Transaction, model: str) -> Limits:
    told = process.told_limits.get(model)
    if told is not None:
        return process.catalogue.limits(model, told)
    return process.catalogue.limits_now(session, model)


def _windows_of(
    session: Transaction, held: Sequence[JobRow], limits: Mapping[uuid.UUID, Limits]
) -> dict[uuid.UUID, Window]:
    """What each of these jobs sends, by its id."""
    windows: dict[uuid.UUID, Window] = {}
    replies = [job for job in held if job.kind != TITLE]
    asked = [
        WindowFor(job.conversation_id, job.prompt_message_id, limits[job.id].budget(job.params))
        for job in replies
    ]
    if asked:
        ids = (job.id for job in replies)
        windows.update(zip(ids, _windows(session, asked), strict=True))
    for job in held:
        if job.kind == TITLE:
            begins = titles.material(session, job.prompt_message_id)
            budget = limits[job.id].budget(job.params)
            windows[job.id] = titling.window_for(begins, job.prompt_message_id, budget)
    return windows


def _windows(session: Transaction, asked: Sequence[WindowFor]) -> Iterator[Window]:
    for one, messages in zip(asked, branches.for_windows(session, asked), strict=True):
        try:
            yield build_window(messages, one.budget)
        except EpiCodeError:
            # The door measured this turn for another model's limits: let this one say no itself.
            yield build_window([messages[0], messages[-1]], 10**9)
