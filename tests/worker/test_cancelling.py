"""Stopping a reply: waiting, speaking, silent, without Redis."""

import time

from tests.reader import Reader, ask, converse, say
from tests.stack import Stack, wait_until
from tests.upstream import Script, Silence, Text, reply


def _cancel(reader: Reader) -> dict[str, object]:
    answer = reader.client.post(f"/api/jobs/{reader.job_id}/cancellation")
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json()
    return body


def test_stopping_keeps_what_was_said(stack: Stack) -> None:
    stack.upstream.script("[[stop me]]", Script(steps=(Text("so far"), Silence())))
    with stack.client() as client:
        reader = ask(client, "[[stop me]]")
        reader.read_until_text()

        ended = _cancel(reader)

        assert ended["status"] == "cancelled"
        page = client.get(f"/api/conversations/{ended['conversation_id']}/messages").json()["data"]
        assert (page[-1]["content"], page[-1]["status"]) == ("so far", "incomplete")


def test_stopping_closes_the_connection_of_a_silent_model_within_a_second(stack: Stack) -> None:
    stack.upstream.script("[[mute]]", Script(steps=(Silence(),)))
    with stack.client() as client:
        reader = ask(client, "[[mute]]")
        reader.read_until("in_progress")
        wait_until(
            lambda: any(item.text == "[[mute]]" for item in stack.upstream.requests),
            what="the request",
        )
        asked_at = time.time()

        _cancel(reader)

        request = next(item for item in stack.upstream.requests if item.text == "[[mute]]")
        wait_until(lambda: request.closed_at is not None, what="the connection's end", seconds=5)
        assert request.closed_at is not None
        assert request.closed_at - asked_at < 1.5
        assert reader.read_to_end()["status"] == "cancelled"


def test_stopping_twice_gives_the_same_answer(stack: Stack) -> None:
    stack.upstream.script("[[twice]]", Script(steps=(Text("x"), Silence())))
    with stack.client() as client:
        reader = ask(client, "[[twice]]")
        reader.read_until_text()

        first, second = _cancel(reader), _cancel(reader)

    assert first["status"] == second["status"] == "cancelled"
    assert first["finished_at"] == second["finished_at"]


def test_a_finished_job_is_not_cancelled(stack: Stack) -> None:
    with stack.client() as client:
        reader = ask(client, "quick")
        reader.read_to_end()

        assert _cancel(reader)["status"] == "completed"


def test_a_turn_that_waits_is_cancelled_without_having_run(stack: Stack) -> None:
    stack.upstream.script("[[hold]]", Script(steps=(Silence(),)))
    with stack.client() as client:
        conversation = converse(client)
        held = Reader(client, say(client, conversation, "[[hold]]")["job"]["id"])
        held.read_until("in_progress")
        waiting = Reader(client, say(client, conversation, "never sent")["job"]["id"])
        assert waiting.poll()["queue"]["reason"] == "previous_reply"

        ended = _cancel(waiting)
        _cancel(held)

    assert (ended["status"], ended["attempt"]) == ("cancelled", 0)
    assert not any(item.text == "never sent" for item in stack.upstream.requests)


def test_the_end_of_a_reply_releases_the_turn_behind_it(stack: Stack) -> None:
    stack.upstream.script("[[first]]", Script(steps=(Text("x"), Silence())))
    with stack.client() as client:
        conversation = converse(client)
        first = Reader(client, say(client, conversation, "[[first]]")["job"]["id"])
        first.read_until_text()
        second = Reader(client, say(client, conversation, "then me")["job"]["id"])

        _cancel(first)

        assert second.read_to_end()["status"] == "completed"


def test_deleting_a_conversation_stops_what_runs_in_it(stack: Stack) -> None:
    stack.upstream.script("[[doomed]]", Script(steps=(Text("x"), Silence())))
    with stack.client() as client:
        conversation = converse(client)
        reader = Reader(client, say(client, conversation, "[[doomed]]")["job"]["id"])
        reader.read_until_text()

        assert client.delete(f"/api/conversations/{conversation}").status_code == 204

        assert client.get(f"/api/jobs/{reader.job_id}").status_code == 404
        request = next(item for item in stack.upstream.requests if item.text == "[[doomed]]")
        wait_until(lambda: request.closed_at is not None, what="the connection's end", seconds=10)


def test_another_job_of_the_same_worker_goes_on(stack: Stack) -> None:
    stack.upstream.script("[[one]]", Script(steps=(Text("x"), Silence())))
    stack.upstream.script("[[two]]", reply("goes on " * 20, every=0.02))
    with stack.client() as client:
        one, two = ask(client, "[[one]]"), ask(client, "[[two]]")
        one.read_until_text()

        _cancel(one)

        assert two.read_to_end()["status"] == "completed"
        assert two.text == "goes on " * 20
