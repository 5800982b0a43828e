"""The task behind the doorbell. It takes an id; the work is `worker/generation.py`.

Celery is told the truth: a run that ended its job returns its status or raises its error, a
requeue is a Retry (raised by hand it publishes nothing), anything else is ignored.
"""

import uuid

import structlog
from celery.exceptions import Ignore, Retry

from common.queue import RUN_JOB, app
from worker import generation
from worker.claim import NothingToDo, NotStartable
from worker.generation import JobRequeued
from worker.process import current

log = structlog.get_logger(__name__)


@app.task(name=RUN_JOB, Request="worker.cancellation:CancellableRequest")
def run_job(job_id: str) -> str:
    """Answers one job; returns the status that it ended in."""
    try:
        return generation.run_job(current(), uuid.UUID(job_id))
    except (JobRequeued, NotStartable) as reason:
        raise Retry(str(reason)) from None
    except NothingToDo as reason:
        log.info("ring_dropped", job_id=job_id, why=str(reason))
        raise Ignore(str(reason)) from None
