"""From a doorbell to a saved reply: claim, build the window, let the model speak, settle.

Runs in a slot's thread. The database is held for moments; the model speaks in the event loop.
Whoever loses a race returns: the row decides, and another attempt is somebody else's.
"""

import concurrent.futures
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from common import branches, jobs
from common.catalogue import Limits
from common.errors import EpiCodeError
from common.jobs import Status
from common.models import Job
from common.shown import shown_fields
from worker.context_window import Window, build_window
from worker.leases import Interruption, Lease
from worker.process import WorkerProcess
from worker.settlement import settle
from worker.speech import Ending, Speech, speak
from worker.upstream import Request, UpstreamError

# What of the budget is tried once more when the model says that the window is too long.
SMALLER_WINDOW = 0.6

log = structlog.get_logger(__name__)


class NotStartable(Exception):
    """The ring came too early: the job still waits for something."""


class NothingToDo(Exception):
    """The job is finished, gone, or another worker's."""


class JobFailed(Exception):
    """The job ended in an error; the message is its code."""


class JobRequeued(Exception):
    """The job will have another attempt; the message says why."""


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
    window: Window
    claimed_at: float


def run_job(process: WorkerProcess, job_id: uuid.UUID) -> str:
    """Runs one attempt of a job and returns the status that it ended in.

    Raises NotStartable, NothingToDo, JobFailed or JobRequeued: what Celery is to be told.
    """
    claimed = claim(process, job_id)
    structlog.contextvars.bind_contextvars(job_id=str(job_id), attempt=claimed.lease.attempt)
    try:
        speech = let_speak(process, claimed)
        return settle_and_ring(process, claimed, speech)
    finally:
        process.leases.drop(claimed.lease)
        structlog.contextvars.clear_contextvars()


def claim(process: WorkerProcess, job_id: uuid.UUID) -> Claimed:
    """Takes the job and loads what it needs, in one transaction."""
    if process.is_stopping.is_set():
        process.unmark([job_id])
        raise NotStartable("the worker is stopping")
    try:
        with process.database.transaction() as session:
            job = jobs.claim(
                session,
                job_id,
                owner=process.name,
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
    process.leases.add(lease)
    try:
        process.live_log.show([(lease.job_id, lease.attempt, lease.owner, lease.shown)])
    except RedisError as error:
        log.warning("live_log_not_shown", error=type(error).__name__)
    return claimed


def let_speak(process: WorkerProcess, claimed: Claimed) -> Speech:
    """The model's answer; once more with a smaller window when it says that this one is too long."""
    speech = _speak_once(process, claimed, claimed.window)
    error = speech.error
    if error is None or error.code != "context_length_exceeded" or speech.text:
        return speech
    smaller = _smaller_window(process, claimed)
    return _speak_once(process, claimed, smaller) if smaller else speech


def settle_and_ring(process: WorkerProcess, claimed: Claimed, speech: Speech) -> str:
    """Saves how the attempt ended, rings for whoever is next, and tells Celery the truth."""
    ended = settle(process, claimed, speech)
    if ended is None:
        log.warning("fence_lost", ending=speech.ending.value)
        raise NothingToDo("the fence is lost")
    _mark_done(process, claimed)
    process.send(ended.doorbells)
    if ended.ring_in is not None:
        process.sweep.ring_in(ended.ring_in)
    log.info("attempt_ended", status=ended.status, code=ended.code)
    if ended.status == Status.QUEUED:
        raise JobRequeued(ended.code or "handed over")
    if ended.status == Status.FAILED:
        raise JobFailed(ended.code)
    return ended.status


def _why_not(session: Session, job_id: uuid.UUID) -> NotStartable | NothingToDo:
    status = session.scalar(select(Job.status).where(Job.id == job_id))
    return NotStartable("it waits") if status == Status.QUEUED else NothingToDo(str(status))


def _load(process: WorkerProcess, session: Session, job: Job) -> Claimed:
    limits = process.catalogue.limits_now(session, job.model)
    window = _window(session, job.conversation_id, job.prompt_message_id, limits.budget(job.params))
    record = window.as_record(limits.context_window)
    jobs.note_window(session, job.id, job.attempt, record)
    session.refresh(job)
    config = process.config
    left = (
        (job.deadline_at - job.started_at).total_seconds()
        if job.deadline_at and job.started_at
        else 0
    )
    return Claimed(
        lease=Lease(job.id, job.attempt, job.user_id, shown_fields(job)),
        failures=job.failures,
        budget_seconds=max(0.0, min(config.EPICODE_ATTEMPT_SECONDS, left)),
        limits=limits,
        params=job.params,
        conversation_id=job.conversation_id,
        prompt_message_id=job.prompt_message_id,
        window=window,
        claimed_at=time.monotonic(),
    )


def _window(
    session: Session, conversation_id: uuid.UUID, prompt_id: uuid.UUID, budget: int
) -> Window:
    messages = branches.for_window(session, conversation_id, prompt_id, budget)
    try:
        return build_window(messages, budget)
    except EpiCodeError:
        # The door measured this turn for another model's limits: let this model say no itself.
        return build_window([messages[0], messages[-1]], 10**9)


def _smaller_window(process: WorkerProcess, claimed: Claimed) -> Window | None:
    budget = int(claimed.window.budget * SMALLER_WINDOW)
    lease = claimed.lease
    with process.database.transaction() as session:
        window = _window(session, claimed.conversation_id, claimed.prompt_message_id, budget)
        if len(window.parts) == len(claimed.window.parts):
            return None
        record = window.as_record(claimed.limits.context_window)
        if not jobs.note_window(session, lease.job_id, lease.attempt, record):
            return None
    log.info("window_made_smaller", sent=len(window.parts))
    return window


def _speak_once(process: WorkerProcess, claimed: Claimed, window: Window) -> Speech:
    """Runs the stream in the event loop and sleeps until it ends or is interrupted."""
    lease = claimed.lease
    reply_log = process.writer.open(lease.job_id, lease.attempt)
    request = Request(claimed.limits, window.parts, claimed.params)
    speech = Speech(window_used=window.used, claimed_at=claimed.claimed_at)
    spoken = process.loop.submit(
        speak(process.upstream, request, reply_log, speech, process.config, claimed.budget_seconds)
    )
    lease.stop_with(spoken.cancel)
    try:
        spoken.result()
    except concurrent.futures.CancelledError:
        why = lease.interruption or Interruption.SHUTDOWN
        speech.end(Ending.INTERRUPTED, interruption=why)
    except UpstreamError as error:
        speech.end(Ending.ERROR, error=error)
    finally:
        process.writer.close(reply_log)
    speech.text = reply_log.text()
    return speech


def _mark_done(process: WorkerProcess, claimed: Claimed) -> None:
    try:
        process.live_log.mark_done(claimed.lease.job_id, claimed.lease.attempt)
    except RedisError as error:  # the hash expires, and then readers ask the database
        log.warning("live_log_not_marked_done", error=type(error).__name__)
