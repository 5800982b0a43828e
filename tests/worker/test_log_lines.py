"""One post's way through both doors, read in their logs by its request id and its job's id."""

import json
from pathlib import Path
from typing import Any

from tests.reader import Reader, converse
from tests.stack import Stack, wait_until
from tests.upstream import reply


def events(log: Path, **fields: str) -> list[dict[str, Any]]:
    """The events of a log that carry all of these."""
    found = []
    for line in log.read_text().splitlines():
        if line.startswith("{"):
            event: dict[str, Any] = json.loads(line)
            if fields.items() <= event.items():
                found.append(event)
    return found


def test_a_post_is_found_in_both_doors_by_its_request_and_its_job(stack: Stack) -> None:
    stack.upstream.script("[[traced]]", reply("una respuesta secreta"))
    assert stack.web is not None
    web, worker = stack.web.log, stack.worker().log
    with stack.client() as client:
        url = f"/api/conversations/{converse(client)}/messages"
        answer = client.post(url, json={"content": "una pregunta secreta [[traced]]"})
        job = answer.json()["job"]["id"]
        Reader(client, job).read_to_end()
    request = answer.headers["X-Request-Id"]

    wait_until(lambda: events(worker, event="attempt_ended", job_id=job), what="the worker's line")

    (accepted,) = events(web, event="job_accepted", job_id=job)
    assert accepted["request_id"] == request
    (ended,) = events(worker, event="attempt_ended", request_id=request)
    assert (ended["job_id"], ended["attempt"], ended["status"]) == (job, 1, "completed")
    assert not any("secreta" in log.read_text() for log in (web, worker))
