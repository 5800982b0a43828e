"""The Celery app, and the one call that sends a doorbell. The task's id is the job's id."""

import threading
import time
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog
from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError
from kombu.pools import producers
from redis.exceptions import RedisError

from common import broker

if TYPE_CHECKING:  # Flower loads this file, and has no use for the tables behind that one
    from common.ringing import Doorbell

RUN_JOB = "epicode.run_job"

# A send that meets silence takes up to three of these (send, connect anew, send again), and the
# post that waits for it has three seconds.
PUBLISH_TIMEOUT_SECONDS = 0.5
# After a failed send nobody tries for this long: a post must not wait for a dead broker each time.
BREAKER_SECONDS = 2

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
                "max_connections": 4,
            },
        )
        self._closed_until = 0.0
        self._lock = threading.Lock()

    def ring(self, doorbells: "Sequence[Doorbell]") -> list[uuid.UUID]:
        """Sends them and returns the jobs whose doorbell could not be sent. Never raises."""
        for position, doorbell in enumerate(doorbells):
            if time.monotonic() < self._closed_until or not self._send(doorbell):
                return [unsent.job_id for unsent in doorbells[position:]]
        return []

    def _send(self, doorbell: "Doorbell") -> bool:
        try:
            message = _message(str(doorbell.job_id))
            with producers[self._connection].acquire(block=True, timeout=1) as producer:
                producer.publish(
                    message.body,
                    routing_key=doorbell.queue,  # of the exchange without a name: the queue's own
                    serializer="json",
                    headers=message.headers,
                    retry=True,
                    retry_policy={"max_retries": 1, "interval_start": 0},
                    **message.properties,
                )
            return True
        except (OperationalError, RedisError, OSError) as error:
            with self._lock:
                self._closed_until = time.monotonic() + BREAKER_SECONDS
            log.warning("doorbell_not_sent", error=type(error).__name__)
            return False
