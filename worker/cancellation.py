"""Cancelling from Celery's side: Revoke and Terminate in Flower cancel the job itself."""

import sys
import uuid
from typing import Any

import structlog
from celery.worker.request import Request
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from common import jobs
from worker.process import current

log = structlog.get_logger(__name__)


class CancellableRequest(Request):
    """A task that Terminate can end: threads can't be killed, jobs can be cancelled."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._request_dict: dict[str, Any] = _shared(self._request_dict)

    def on_accepted(self, pid: int, time_accepted: float) -> None:
        """Acknowledged early, as all are: the message would be held for as long as the model
        speaks, though nobody asks for it again."""
        super().on_accepted(pid, time_accepted)
        self._message = self._on_ack = self._on_reject = None

    def terminate(self, pool: Any, signal: Any = None) -> None:
        cancel(self.id)


def _shared(told: Any) -> Any:
    """The same with each text once in this process: every message brings the same words anew, and
    they are held as long as the model speaks."""
    if isinstance(told, dict):
        return {_shared(name): _shared(value) for name, value in told.items()}
    return sys.intern(told) if type(told) is str else told


def on_task_revoked(request: Any, terminated: bool, expired: bool, **_: Any) -> None:
    """A waiting task that was revoked is dropped by Celery when it arrives: its job too."""
    if not (terminated or expired):
        cancel(request.id)


def cancel(job_id: str) -> None:
    """Cancels a job as the operator; logged, not raised: Celery's consumer must go on."""
    process = current()
    try:
        with process.database.transaction() as session:
            jobs.ask_to_cancel_as_operator(session, uuid.UUID(job_id))
        process.live_log.ask_to_cancel([uuid.UUID(job_id)])
        process.ring()
    except (SQLAlchemyError, RedisError) as error:
        log.warning("revocation_incomplete", job_id=job_id, error=type(error).__name__)
