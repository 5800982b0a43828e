"""The doorbell's message: what Celery itself would send, made with less work."""

import base64
import json
import uuid
from typing import Any

import redis
from kombu import Queue

from common.config import TestingConfig
from common.queue import RUN_JOB, Doorbells, app
from common.ringing import Doorbell

# Made anew for each message, or of whoever sends it.
OF_EACH = {"delivery_tag", "reply_to"}


def test_a_doorbell_is_the_message_that_celery_would_send(config: TestingConfig) -> None:
    job_id, queue = uuid.uuid4(), f"of-{uuid.uuid4().hex}"
    with redis.Redis.from_url(config.REDIS_URL) as client:
        assert Doorbells(config.REDIS_URL).ring([Doorbell(job_id, queue)]) == []
        with app.connection_for_write(config.REDIS_URL) as connection:
            app.send_task(
                RUN_JOB,
                args=[str(job_id)],
                task_id=str(job_id),
                queue=Queue(queue),
                connection=connection,
                ignore_result=True,
            )
        celerys, ours = (json.loads(each) for each in client.lrange(queue, 0, -1))
        client.delete(queue)

    assert _body(ours) == _body(celerys) == [[str(job_id)], {}, _NO_CALLBACKS]
    assert ours["headers"] == celerys["headers"]
    assert _lasting(ours["properties"]) == _lasting(celerys["properties"])


def test_doorbells_for_a_dead_broker_are_told_as_unsent() -> None:
    jobs = [uuid.uuid4(), uuid.uuid4()]
    doorbells = Doorbells("redis://127.0.0.1:1/0")
    assert doorbells.ring([Doorbell(job, "interactive") for job in jobs]) == jobs


_NO_CALLBACKS = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def _body(message: dict[str, Any]) -> Any:
    return json.loads(base64.b64decode(message["body"]))


def _lasting(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in properties.items()
        if name not in OF_EACH and name != "delivery_info"
    }
