"""What Celery holds of a doorbell for as long as the model speaks."""

import json
import uuid
from typing import Any

from kombu.message import Message

from common.queue import RUN_JOB, _message, app
from worker.cancellation import CancellableRequest
from worker.tasks import run_job


def arrived(job_id: str) -> CancellableRequest:
    """The request that Celery makes of a doorbell which came over the broker."""
    sent = _message(job_id)
    told = json.dumps([sent.headers, sent.properties, sent.body])
    headers, properties, body = json.loads(told)
    message = Message(headers=headers, properties=properties, delivery_info={"exchange": ""})
    return CancellableRequest(message, body=body, decoded=True, app=app, task=run_job)


def texts(told: Any) -> list[str]:
    if isinstance(told, dict):
        return [text for pair in told.items() for part in pair for text in texts(part)]
    return [told] if isinstance(told, str) else []


def test_the_words_of_every_message_are_kept_once() -> None:
    first, second = (texts(arrived(str(uuid.uuid4())).request_dict) for _ in range(2))

    shared = set(first) & set(second)
    assert {"id", "root_id", "delivery_info", "routing_key", RUN_JOB} <= shared
    for word in shared:
        assert {id(text) for text in [*first, *second] if text == word} == {id(word)}
