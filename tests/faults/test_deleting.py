"""A conversation deleted while it is being answered leaves nothing: no row, no key, no call."""

import random
import signal
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg2

from common.live_log import LiveLog
from common.models.access import LOCAL_USER_ID
from tests.faults.race import rows, statuses, together, traces
from tests.reader import Reader, ask, converse, say
from tests.scale import Outcome, Scale, Tally
from tests.stack import Stack, wait_until
from tests.upstream import Gate, Script, Silence, Text, reply

TALK = "palabra tras palabra " * 200
CROWD = 10


def _delete(client: httpx.Client, conversation: str) -> httpx.Response:
    return client.delete(f"/api/conversations/{conversation}")


def _left(stack: Stack, conversation: str, job_id: str) -> list[tuple[Any, ...]]:
    """Every row that still names the conversation or its job, but for the memory of a key."""
    return rows(
        stack,
        "SELECT 'conversations', id FROM conversations WHERE id = %s"
        " UNION ALL SELECT 'messages', id FROM messages WHERE conversation_id = %s"
        " UNION ALL SELECT 'jobs', id FROM jobs WHERE conversation_id = %s OR id = %s",
        *[conversation] * 3,
        job_id,
    )


def _gone(client: httpx.Client, conversation: str, job_id: str, message: str) -> None:
    for method, path in (
        ("GET", f"/api/conversations/{conversation}"),
        ("GET", f"/api/conversations/{conversation}/messages"),
        ("GET", f"/api/jobs/{job_id}"),
        ("POST", f"/api/jobs/{job_id}/cancellation"),
        ("DELETE", f"/api/messages/{message}"),
        ("DELETE", f"/api/conversations/{conversation}"),
    ):
        answer = client.request(method, path)
        assert answer.status_code == 404, (method, path, answer.text)
        assert answer.json()["code"] == "not_found"


def _forgotten(stack: Stack, job_id: str) -> bool:
    """Nothing of what was said is in Redis; a mark for the worker may be, for two minutes."""
    return traces(stack, job_id) <= {f"live:{job_id}:cancel"}


def test_what_is_deleted_in_mid_stream_is_gone_with_its_text_and_its_call(
    stack: Stack, scale: Scale, tally: Tally
) -> None:
    mark, jobs = f"[[doomed {uuid.uuid4().hex[:8]}]]", scale.of(8, 200)
    stack.upstream.script(mark, reply(TALK, every=0.01))
    slowest = 0.0
    with stack.client() as client:
        for _ in range(jobs // 4):
            slowest = max(slowest, _four_are_deleted(stack, client, mark))

        # the same worker answers on
        assert ask(client, "still there?").read_to_end()["status"] == "completed"
    assert stack.worker().exit_code is None
    assert slowest < 10
    assert stack.audit() == []
    tally.add(Outcome("conversation deleted in mid-stream", jobs, jobs, recovery=slowest))


def _four_are_deleted(stack: Stack, client: httpx.Client, mark: str) -> float:
    turns = [say(client, converse(client), mark) for _ in range(4)]
    readers = [Reader(client, turn["job"]["id"]) for turn in turns]
    for reader in readers:
        reader.read_until_text()
        assert not _forgotten(stack, reader.job_id)
    requests = [request for request in stack.upstream.requests if request.text == mark][-4:]
    deleted_at = time.time()

    for turn in turns:
        conversation, job_id = turn["job"]["conversation_id"], turn["job"]["id"]
        assert _delete(client, conversation).status_code == 204
        _gone(client, conversation, job_id, turn["message"]["id"])
        assert _left(stack, conversation, job_id) == []

    closed = [stack.upstream.wait_closed(request, timeout=10) for request in requests]
    for reader in readers:
        wait_until(lambda r=reader: _forgotten(stack, r.job_id), what="the keys' end", seconds=5)
    time.sleep(0.5)  # a flush that was on its way would have arrived
    assert all(_forgotten(stack, reader.job_id) for reader in readers)
    return max(closed) - deleted_at


def test_what_a_worker_shows_after_a_delete_is_not_believed(stack: Stack) -> None:
    mark = f"[[late {uuid.uuid4().hex[:8]}]]"
    stack.upstream.script(mark, Script(steps=(Text("x"), Silence())))
    live_log = LiveLog.connect(stack.environment["REDIS_URL"])
    with stack.client() as client:
        reader = ask(client, mark)
        reader.read_until_text()
        shown = reader.polls[-1]
        late = [(uuid.UUID(reader.job_id), 1, LOCAL_USER_ID, shown)]

        assert _delete(client, shown["conversation_id"]).status_code == 204
        live_log.show(late)  # a renewal that was committed just before

        assert client.get(f"/api/jobs/{reader.job_id}").status_code == 404
    live_log.close()


def test_a_delete_at_the_very_end_of_a_reply_is_no_error(
    stack: Stack, scale: Scale, tally: Tally
) -> None:
    mark, jobs = f"[[last words {uuid.uuid4().hex[:8]}]]", scale.of(30, 400)
    stack.upstream.script(mark, reply("short", every=0.1))

    def race(client: httpx.Client) -> list[int]:
        answers = []
        for _ in range(jobs // CROWD):
            reader = ask(client, mark)
            conversation = reader.read_until({"in_progress", "completed"})["conversation_id"]
            time.sleep(random.uniform(0, 0.25))
            answers.append(_delete(client, conversation).status_code)
            assert client.get(f"/api/jobs/{reader.job_id}").status_code == 404
        return answers

    answers = together(stack, *[race] * CROWD)

    assert {status for each in answers for status in each} == {204}
    assert stack.audit() == []
    tally.add(Outcome("conversation deleted as its reply ends", jobs, jobs))


def test_a_delete_and_the_end_of_a_reply_never_wait_for_each_other(stack: Stack) -> None:
    mark = f"[[circle {uuid.uuid4().hex[:8]}]]"
    stack.upstream.script(mark, Script(steps=(Text("x"), Silence())))
    answers: list[httpx.Response] = []
    with stack.client() as client, psycopg2.connect(stack.database_url) as connection:
        reader = ask(client, mark)
        job = reader.read_until("in_progress")
        cursor = connection.cursor()
        # a worker that ends its job takes the job's row, then the reply's
        cursor.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", (job["id"],))
        deleting = threading.Thread(
            target=lambda: answers.append(_delete(client, job["conversation_id"]))
        )
        deleting.start()
        wait_until(lambda: _somebody_waits(stack), what="the delete at the job's row")

        cursor.execute("UPDATE messages SET content = 'x' WHERE id = %s", (job["message_id"],))
        connection.commit()

        deleting.join()
    assert statuses(answers) == [204]


def _somebody_waits(stack: Stack) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    return bool(rows(stack, waiting + " AND wait_event_type = 'Lock'")[0][0])


def test_a_turn_that_waits_goes_with_its_conversation_and_is_never_asked(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    held = f"[[held {mark}]]"
    stack.upstream.script(held, Script(steps=(Text("x"), Silence())))
    with stack.client() as client:
        conversation = converse(client)
        first = Reader(client, say(client, conversation, held)["job"]["id"])
        waiting = say(client, conversation, f"behind {mark}")
        first.read_until_text()

        assert _delete(client, conversation).status_code == 204

        _gone(client, conversation, waiting["job"]["id"], waiting["message"]["id"])
        assert _left(stack, conversation, waiting["job"]["id"]) == []
        assert traces(stack, waiting["job"]["id"]) == set()
        stack.upstream.wait_closed(stack.upstream.wait_for(1, held)[0])
    assert not [request for request in stack.upstream.requests if f"behind {mark}" in request.text]


def test_a_doorbell_for_what_was_deleted_meanwhile_is_dropped(stack: Stack) -> None:
    mark = uuid.uuid4().hex
    log = stack.worker().log
    with stack.client() as client:
        stack.worker().signal(signal.SIGSTOP)
        try:
            turn = say(client, converse(client), f"rung {mark}")
            rung = "SELECT rung_at FROM jobs WHERE id = %s"
            wait_until(lambda: rows(stack, rung, turn["job"]["id"])[0][0], what="its doorbell")
            assert _delete(client, turn["job"]["conversation_id"]).status_code == 204
        finally:
            stack.worker().signal(signal.SIGCONT)

        wait_until(lambda: _was_dropped(turn["job"]["id"], log), what="the dropped doorbell")
        assert ask(client, f"next {mark}").read_to_end()["status"] == "completed"
    assert not [request for request in stack.upstream.requests if f"rung {mark}" in request.text]


def test_whatever_comes_at_the_moment_of_a_delete_is_done_or_not_found(
    stack: Stack, scale: Scale
) -> None:
    mark = f"[[everything {uuid.uuid4().hex[:8]}]]"
    stack.upstream.script(mark, Script(steps=(Text("x"), Gate(mark))))
    seen = set()
    with stack.client() as client:
        for _ in range(scale.of(5, 100)):
            turn = say(client, converse(client), mark)
            answers = together(stack, *_everything(turn))
            seen |= {(name, answer.status_code) for name, answer in answers}
            assert [(name, answer.text) for name, answer in answers if answer.is_server_error] == []
            conversation, job_id = turn["job"]["conversation_id"], turn["job"]["id"]
            _gone(client, conversation, job_id, turn["message"]["id"])
            assert _left(stack, conversation, job_id) == []
    stack.upstream.open(mark)
    assert {(name, status) for name, status in seen if status not in (200, 202, 204, 404)} == set()
    assert ("delete", 204) in seen
    assert stack.audit() == []


def _everything(turn: dict[str, Any]) -> list[Callable[[httpx.Client], tuple[str, httpx.Response]]]:
    conversation, message = turn["job"]["conversation_id"], turn["message"]["id"]
    here, job = f"/api/conversations/{conversation}", f"/api/jobs/{turn['job']['id']}"
    calls: list[tuple[str, str, str, dict[str, Any] | None]] = [
        ("delete", "DELETE", here, None),
        ("read", "GET", here, None),
        ("list", "GET", f"{here}/messages", None),
        ("rename", "PATCH", here, {"title": "t", "archived": True}),
        ("switch", "PATCH", here, {"head_message_id": message}),
        ("pin", "PATCH", f"/api/messages/{message}", {"in_window": "always"}),
        ("post", "POST", f"{here}/messages", {"content": "y"}),
        ("regenerate", "POST", f"/api/messages/{message}/replies", {}),
        ("poll", "GET", job, None),
        ("cancel", "POST", f"{job}/cancellation", {}),
    ]
    return [
        lambda own, name=name, method=method, url=url, body=body: (
            name,
            own.request(method, url, json=body),
        )
        for name, method, url, body in calls
    ]


def _was_dropped(job_id: str, log: Path) -> bool:
    return any("ring_dropped" in line and job_id in line for line in log.read_text().splitlines())
