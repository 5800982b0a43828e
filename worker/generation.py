"""From a doorbell to a saved reply: claim, build the window, let the model speak, settle.

Runs in a slot's thread. The database is held for moments; the model speaks in the event loop.
Whoever loses a race returns: the row decides, and another attempt is somebody else's.
"""

import asyncio
import uuid

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from common.machine import Status
from common.models import Job
from common.shown import moment
from worker import metrics
from worker.claim import Claimed, NothingToDo, claim, smaller_window
from worker.context_window import Window
from worker.leases import Interruption
from worker.process import WorkerProcess
from worker.settlement import settle
from worker.speech import Ending, Speech, speak
from worker.upstream import Request, UpstreamError

log = structlog.get_logger(__name__)


class JobFailed(Exception):
    """The job ended in an error; the message is its code."""


class JobRequeued(Exception):
    """The job will have another attempt; the message says why."""


def run_job(process: WorkerProcess, job_id: uuid.UUID) -> str:
    """Runs one attempt of a job and returns the status that it ended in.

    Raises NotStartable, NothingToDo, JobFailed or JobRequeued: what Celery is to be told.
    """
    claimed = claim(process, job_id)
    structlog.contextvars.bind_contextvars(
        job_id=str(job_id), attempt=claimed.lease.attempt, request_id=claimed.request_id
    )
    try:
        speech = let_speak_safely(process, claimed)
        return settle_and_ring(process, claimed, speech)
    finally:
        process.leases.drop(claimed.lease)
        structlog.contextvars.clear_contextvars()


def let_speak_safely(process: WorkerProcess, claimed: Claimed) -> Speech:
    """`let_speak`; a defect of ours ends the attempt like any other error, with its own code."""
    try:
        return let_speak(process, claimed)
    except Exception as defect:
        log.error("attempt_crashed", exc_info=defect)
        speech = Speech(window_used=claimed.window.used, claimed_at=claimed.claimed_at)
        speech.end(Ending.ERROR, error=UpstreamError("internal_error", retryable=True))
        return speech


def let_speak(process: WorkerProcess, claimed: Claimed) -> Speech:
    """The model's answer; asked again with a smaller window when it says that this is too long."""
    speech = _speak_once(process, claimed, claimed.window)
    error = speech.error
    if error is None or error.code != "context_length_exceeded" or speech.text:
        return speech
    smaller = smaller_window(process, claimed)
    return _speak_once(process, claimed, smaller) if smaller else speech


def settle_and_ring(process: WorkerProcess, claimed: Claimed, speech: Speech) -> str:
    """Saves how the attempt ended, rings for whoever is next, and tells Celery the truth."""
    ended = settle(process, claimed, speech)
    if ended is None:
        log.warning("fence_lost", ending=speech.ending.value)
        _forget_if_deleted(process, claimed)
        raise NothingToDo("the fence is lost")
    process.sweep.ring_in(0)  # those who end at once are replaced at once
    if ended.ring_in is not None:
        process.sweep.ring_in(ended.ring_in)
    log.info("attempt_ended", status=ended.status, code=ended.code)
    if ended.status == Status.QUEUED:
        raise JobRequeued(ended.code or "handed over")
    if ended.status == Status.FAILED:
        raise JobFailed(ended.code)
    return ended.status


def _speak_once(process: WorkerProcess, claimed: Claimed, window: Window) -> Speech:
    """Runs the stream in the event loop and sleeps until it ends or is interrupted."""
    lease = claimed.lease
    reply_log = process.writer.open(lease.job_id, lease.attempt)
    request = Request(claimed.limits, window.parts, claimed.params)
    speech = Speech(window_used=window.used, claimed_at=claimed.claimed_at)
    # shown from the next renewal on: only who has just won one writes the live log's hash
    speech.on_first_token = lambda after: lease.shown.update(
        first_token_at=moment(claimed.started_at + after)
    )
    spoken = process.loop.call(
        speak(process.upstream, request, reply_log, speech, process.config, claimed.budget_seconds)
    )
    lease.stop_with(spoken.cancel)
    try:
        with metrics.UPSTREAM_STREAMS.track_inprogress():
            spoken.wait()
    except asyncio.CancelledError:
        why = lease.interruption or Interruption.SHUTDOWN
        speech.end(Ending.INTERRUPTED, interruption=why)
    finally:
        process.writer.close(reply_log)
    speech.text, speech.unflushed = reply_log.text(), reply_log.rest()
    return speech


def _forget_if_deleted(process: WorkerProcess, claimed: Claimed) -> None:
    """What was flushed after a job's deletion goes too: nobody else knows of it any more."""
    lease = claimed.lease
    try:
        with process.database.transaction() as session:
            is_there = session.get(Job, lease.job_id) is not None
        if not is_there:
            process.live_log.forget([(lease.job_id, lease.attempt)])
            process.sweep.ring_in(0)  # nobody else fills its slot before the next sweep
    except (SQLAlchemyError, RedisError) as error:  # its keys expire
        log.warning("live_log_not_forgotten", error=type(error).__name__)
