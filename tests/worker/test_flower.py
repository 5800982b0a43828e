"""Flower tells the truth: asked over its own API, under the job's id."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from common.config import ROOT
from tests.databases import Databases
from tests.reader import Reader, ask, converse, say
from tests.stack import Stack, free_port, wait_until
from tests.upstream import Script, Silence, Text, Upstream, failing, reply


@pytest.fixture(scope="module")
def watched(databases: Databases) -> Iterator[tuple[Stack, httpx.Client]]:
    """A stack with Flower beside it, and a client of Flower's API."""
    port = free_port()
    settings = {"EPICODE_BACKOFF_SECONDS": "3"}
    with Upstream() as upstream, Stack(databases, upstream, settings).start() as stack:
        arguments = ["-A", "common.queue", "flower", "--address=127.0.0.1", f"--port={port}"]
        flower = subprocess.Popen(
            [sys.executable, "-m", "celery", *arguments],
            cwd=ROOT,
            env=stack.environment | {"FLOWER_BASIC_AUTH": "alice:secret"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=("alice", "secret"))
        try:
            wait_until(lambda: _workers(client), what="Flower to see the worker")
            yield stack, client
        finally:
            client.close()
            flower.kill()  # how long it takes to end is its own affair
            flower.wait(20)


def _workers(client: httpx.Client) -> Any:
    try:
        answer = client.get("/api/workers", params={"refresh": "1"})
        return answer.status_code == 200 and answer.json()
    except httpx.TransportError:
        return None


def _told(client: httpx.Client, job_id: str) -> dict[str, Any]:
    answer = client.get(f"/api/task/info/{job_id}")
    told: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
    return told


def _wait_for(client: httpx.Client, job_id: str, state: str) -> dict[str, Any]:
    wait_until(
        lambda: _told(client, job_id).get("state") == state, what=f"{state} of {job_id} in Flower"
    )
    return _told(client, job_id)


def test_a_completed_job_is_a_success_with_its_status(
    watched: tuple[Stack, httpx.Client],
) -> None:
    stack, flower = watched
    with stack.client() as client:
        reader = ask(client, "fine")
        reader.read_to_end()

    assert _wait_for(flower, reader.job_id, "SUCCESS")["result"] == "'completed'"


def test_a_failed_job_is_a_failure_with_its_code(watched: tuple[Stack, httpx.Client]) -> None:
    stack, flower = watched
    stack.upstream.script("[[bad key]]", failing(401))
    with stack.client() as client:
        reader = ask(client, "[[bad key]]")
        reader.read_to_end()

    assert "invalid_api_key" in _wait_for(flower, reader.job_id, "FAILURE")["exception"]


def test_a_requeued_job_is_a_retry_until_it_succeeds(watched: tuple[Stack, httpx.Client]) -> None:
    stack, flower = watched
    stack.upstream.script("[[once more]]", failing(503), reply("good"))
    with stack.client() as client:
        reader = ask(client, "[[once more]]")

        _wait_for(flower, reader.job_id, "RETRY")
        reader.read_to_end()

        _wait_for(flower, reader.job_id, "SUCCESS")


def test_terminate_cancels_a_running_job(watched: tuple[Stack, httpx.Client]) -> None:
    stack, flower = watched
    stack.upstream.script("[[terminate]]", Script(steps=(Text("so far"), Silence())))
    with stack.client() as client:
        reader = ask(client, "[[terminate]]")
        reader.read_until_text()
        _wait_for(flower, reader.job_id, "STARTED")

        answer = flower.post(f"/api/task/revoke/{reader.job_id}", params={"terminate": "true"})

        assert answer.status_code == 200
        assert reader.read_to_end()["status"] == "cancelled"
        assert reader.text == "so far"


def test_revoke_cancels_a_waiting_job(watched: tuple[Stack, httpx.Client]) -> None:
    stack, flower = watched
    stack.upstream.script("[[before]]", Script(steps=(Text("x"), Silence())))
    with stack.client() as client:
        conversation = converse(client)
        before = Reader(client, say(client, conversation, "[[before]]")["job"]["id"])
        before.read_until_text()
        waiting = Reader(client, say(client, conversation, "revoked")["job"]["id"])
        flower.post(f"/api/task/revoke/{waiting.job_id}")
        client.post(f"/api/jobs/{before.job_id}/cancellation")

        assert waiting.read_to_end()["status"] == "cancelled"
    assert not any(request.text == "revoked" for request in stack.upstream.requests)


@pytest.mark.parametrize("path", ["/", "/api/workers", "/tasks"])
def test_nobody_else_gets_in(watched: tuple[Stack, httpx.Client], path: str) -> None:
    _, flower = watched

    assert flower.get(path, auth=("bob", "guess")).status_code == 401
