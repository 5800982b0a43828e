"""Ends of a job that no model server causes: they too say what happened, and one call retries.

The others are in tests/faults/test_upstream.py.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg2
import pytest

from tests.databases import Databases
from tests.reader import Reader, converse, say
from tests.stack import Stack, wait_until
from tests.upstream import Script, Silence, Text, Upstream, failing, reply

# Every job here may fail twice; it has eight seconds from its first claim, six while it waits.
SETTINGS = {
    "EPICODE_MAX_FAILURES": "2",
    "EPICODE_ATTEMPT_SECONDS": "8",
    "EPICODE_JOB_SECONDS": "8",
    "EPICODE_WAITING_SECONDS": "6",
}
HALF = "half of it"
SAID = {"internal_error": "", "deadline_exceeded": "", "expired": "", "worker_lost": HALF}


@pytest.fixture(scope="module")
def stack(databases: Databases) -> Iterator[Stack]:
    with (
        Upstream(models=["gpt-test", "paused", "paused-too"]) as upstream,
        Stack(databases, upstream, SETTINGS).start() as stack,
    ):
        yield stack


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx.Client]:
    with stack.client() as client:
        yield client


@pytest.fixture(scope="module")
def failed(stack: Stack, client: httpx.Client) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """By its code: what was posted, and the job's end."""
    posted = {"internal_error": _meets_a_defect(stack, client)}
    posted |= _wait_in_vain(stack, client)
    posted["worker_lost"] = _loses_its_worker(stack, client)
    return {
        code: (turn, Reader(client, turn["job"]["id"]).read_to_end(60))
        for code, turn in posted.items()
    }


@pytest.mark.parametrize("code", SAID)
def test_it_ends_in_its_code_in_both_languages_with_what_was_said(
    client: httpx.Client, failed: dict[str, tuple[dict[str, Any], dict[str, Any]]], code: str
) -> None:
    turn, ended = failed[code]
    told = [
        client.get(f"/api/jobs/{ended['id']}", headers={"Accept-Language": language}).json()
        for language in ("es", "en")
    ]

    assert (ended["status"], ended["error"]["code"]) == ("failed", code)
    assert ended["error"]["retryable"] is True
    for key in ("title", "detail"):
        spanish, english = (job["error"][key] for job in told)
        assert spanish != english
        assert "{" not in spanish + english
    assert [job["text"] for job in told] == [SAID[code]] * 2
    url = f"/api/conversations/{ended['conversation_id']}/messages"
    *_, asked, said = client.get(url).json()["data"]
    assert asked["id"] == turn["message"]["id"]
    assert (said["status"], said["content"]) == ("failed", SAID[code])


@pytest.mark.parametrize("code", SAID)
def test_one_call_retries_it(
    stack: Stack,
    client: httpx.Client,
    failed: dict[str, tuple[dict[str, Any], dict[str, Any]]],
    code: str,
) -> None:
    turn, _ = failed[code]
    stack.upstream.script(turn["message"]["content"], reply("at last"))

    answer = client.post(
        f"/api/messages/{turn['message']['id']}/replies", json={"model": "gpt-test"}
    )

    assert answer.status_code == 202, answer.text
    reader = Reader(client, answer.json()["job"]["id"])
    assert reader.read_to_end()["status"] == "completed"
    assert reader.text == "at last"


def test_nothing_is_left_behind(
    stack: Stack, failed: dict[str, tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    assert len(failed) == len(SAID)
    assert stack.audit() == []


def _meets_a_defect(stack: Stack, client: httpx.Client) -> dict[str, Any]:
    """While the model says that the window is too long, a column is away that a window needs."""

    def is_too_long(_: dict[str, Any]) -> Script:
        _rename(stack, "in_window", "out_of_window")
        return failing(400, "context_length_exceeded")

    stack.upstream.script("[[defect]]", failing(500), is_too_long)
    turn = say(client, converse(client), "[[defect]]")
    log = stack.worker().log
    wait_until(lambda: "attempt_crashed" in log.read_text(), what="the defect", log=log)
    _rename(stack, "out_of_window", "in_window")
    return turn


def _wait_in_vain(stack: Stack, client: httpx.Client) -> dict[str, dict[str, Any]]:
    """One job is told to wait for longer than it has, another's model is paused for as long."""
    stack.upstream.script("[[late]]", failing(503, retry_after=50))
    stack.upstream.script("[[pausing]]", failing(429, retry_after=50))
    late = say(client, converse(client), "[[late]]", model="paused")
    pausing = say(client, converse(client), "[[pausing]]", model="paused-too")
    told = Reader(client, pausing["job"]["id"])
    wait_until(lambda: told.poll()["attempts"], what="the pause")
    never = say(client, converse(client), "[[never asked]]", model="paused-too")
    return {"deadline_exceeded": late, "expired": never}


def _loses_its_worker(stack: Stack, client: httpx.Client) -> dict[str, Any]:
    stack.upstream.script("[[lost]]", failing(500), Script(steps=(Text(HALF), Silence())))
    turn = say(client, converse(client), "[[lost]]")
    Reader(client, turn["job"]["id"]).read_until_text()
    stack.worker().kill()
    stack.start_worker("worker-1", wait=False)
    return turn


def _rename(stack: Stack, old: str, new: str) -> None:
    with psycopg2.connect(stack.database_url) as connection, connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE messages RENAME COLUMN {old} TO {new}")
