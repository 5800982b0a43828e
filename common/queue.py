"""The Celery app, and the one call that sends a doorbell. The task's id is the job's id."""

import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from celery import Celery
from kombu import Connection
from kombu.exceptions import KombuError
from kombu.pools import producers
from redis.exceptions import RedisError

from common import broker

if TYPE_CHECKING:  # Flower loads this file, and has no use for the tables behind that one
    from common.ringing import Doorbell

RUN_JOB = "epicode.run_job"

# A send that meets silence takes twice that: it is tried again over a new connection.
PUBLISH_TIMEOUT_SECONDS = 0.5
# After a failed send nobody tries for this long: the next ones would take as long each.
BREAKER_SECONDS = 2

_FAILURES = (KombuError, RedisError, OSError)

log = structlog.get_logger(__name__)

broker.register()
app = Celery("epicode")
app.config_from_object("celery_conf")


def _message(job_id: str) -> Any:
    """Celery's message for a job's task. `send_task` would make the same, and look on the way for
    all that a message could want: half of what a doorbell costs."""
    args = [job_id]
    return app.amqp.as_task_v2(
        job_id, RUN_JOB, args, argsrepr=repr(args), kwargsrepr="{}", ignore_result=True
    )


class Doorbells:
    """Sends doorbells, best effort: the queued row is the outbox, the sweep rings again."""

    def __init__(self, broker_url: str) -> None:
        self._connection = Connection(
            broker_url,
            transport_options={
                "socket_timeout": PUBLISH_TIMEOUT_SECONDS,
                "socket_connect_timeout": PUBLISH_TIMEOUT_SECONDS,
                "retry_on_timeout": False,
                "max_retries": 0,  # a second send is ours, and else it would sleep in between
                "max_connections": 4,
            },
        )
        self._closed_until = 0.0

    def ring(self, doorbells: "Sequence[Doorbell]") -> list[uuid.UUID]:
        """Sends them in one round trip; all of the jobs where that failed, although some doorbells
        may have arrived. Never raises."""
        jobs = [doorbell.job_id for doorbell in doorbells]
        if not jobs or time.monotonic() < self._closed_until:
            return jobs
        try:
            with suppress(*_FAILURES):
                self._send(doorbells)
                return []
            self._send(doorbells)  # the connection lay idle and is gone: this time it is a new one
            return []
        except _FAILURES as error:
            self._closed_until = time.monotonic() + BREAKER_SECONDS
            log.warning("doorbells_not_sent", error=type(error).__name__)
            return jobs

    def _send(self, doorbells: "Sequence[Doorbell]") -> None:
        with (
            producers[self._connection].acquire(block=True, timeout=1) as producer,
            producer.batch(),
        ):
            for doorbell in doorbells:
                message = _message(str(doorbell.job_id))
                producer.publish(
                    message.body,
                    routing_key=doorbell.queue,  # of the exchange without a name: the queue's own
                    serializer="json",
                    headers=message.headers,
                    **message.properties,
                )
