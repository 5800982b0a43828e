"""Twenty posts in one moment: in order, or refused with the way out, or one turn for one key."""

import time
import uuid
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.databases import Databases
from tests.faults.race import rows, together
from tests.reader import Reader, converse, say
from tests.scale import Outcome, Scale, Tally
from tests.stack import Stack
from tests.upstream import Done, End, Gate, Script, Text, Upstream

CROWD = 20


@pytest.fixture(scope="module")
def crowded(databases: Databases) -> Iterator[Stack]:
    """Two web processes and two workers: what must not overlap has every chance to."""
    settings = {"WEB_CONCURRENCY": "2"}
    with Upstream() as upstream, Stack(databases, upstream, settings).start(2) as stack:
        yield stack


def _branch(client: httpx.Client, conversation: str) -> list[dict[str, Any]]:
    page = client.get(f"/api/conversations/{conversation}/messages", params={"limit": 100})
    messages: list[dict[str, Any]] = page.json()["data"]
    return messages


def _post(client: httpx.Client, conversation: str, content: str) -> dict[str, Any]:
    """Posts as the page does: with a key, and again when a machine that is too busy says when."""
    while True:
        answer = client.post(
            f"/api/conversations/{conversation}/messages",
            json={"content": content},
            headers={"Idempotency-Key": content},
        )
        if answer.status_code == 503:
            time.sleep(int(answer.headers["Retry-After"]))
            continue
        assert answer.status_code == 202, answer.text
        body: dict[str, Any] = answer.json()
        return body


def test_twenty_posts_at_once_are_answered_one_after_the_other_in_their_order(
    crowded: Stack, scale: Scale, tally: Tally
) -> None:
    rounds = scale.of(1, 10)
    with crowded.client() as client:
        for _ in range(rounds):
            _twenty_are_answered_in_order(crowded, client)

    tally.add(Outcome("20 posts at once, queued", rounds, rounds * CROWD))
    assert crowded.audit() == []


def _twenty_are_answered_in_order(stack: Stack, client: httpx.Client) -> None:
    conversation, mark = converse(client), uuid.uuid4().hex
    posted = together(
        stack,
        *[lambda own, n=n: _post(own, conversation, f"{mark} {n}") for n in range(CROWD)],
    )

    ended = [Reader(client, turn["job"]["id"]).read_to_end(60) for turn in posted]

    assert {job["status"] for job in ended} == {"completed"}
    said = _branch(client, conversation)
    assert [message["turn_index"] for message in said] == list(range(2 * CROWD + 1))
    questions, replies = said[1::2], said[2::2]
    assert {message["id"] for message in questions} == {turn["message"]["id"] for turn in posted}
    for question, reply in zip(questions, replies, strict=True):
        assert reply["content"] == f"echo: {question['content']}"
    asked = stack.upstream.wait_for(CROWD, mark)
    assert len(asked) == CROWD
    for turn, request in enumerate(asked):
        before = said[: 2 * turn + 2]
        assert request.messages == [
            {"role": message["role"], "content": message["content"]} for message in before
        ]
    for earlier, later in pairwise(asked):
        assert earlier.finished_at is not None
        assert earlier.finished_at <= later.received_at


def test_of_twenty_that_want_no_queue_one_is_taken_and_the_rest_are_shown_its_job(
    crowded: Stack, scale: Scale, tally: Tally
) -> None:
    rounds = scale.of(1, 20)
    for n in range(rounds):
        _one_is_taken(crowded, f"[[busy {n}]]")

    tally.add(Outcome("20 posts at once, one taken", rounds, rounds))
    assert crowded.audit() == []


def _one_is_taken(stack: Stack, mark: str) -> None:
    held = Script(steps=(Text("one "), Gate(mark), Text("reply"), End(), Done()))
    stack.upstream.script(mark, held)
    with stack.client() as client:
        conversation = converse(client)
        url = f"/api/conversations/{conversation}/messages"
        body = {"content": mark, "on_busy": "reject"}

        answers = together(stack, *[lambda own: own.post(url, json=body)] * CROWD)

        taken = [answer.json() for answer in answers if answer.status_code == 202]
        refused = [answer for answer in answers if answer.status_code != 202]
        assert len(taken) == 1
        in_flight = taken[0]["job"]["id"]
        for answer in refused:
            assert answer.status_code == 409
            assert answer.headers["content-type"] == "application/problem+json"
            problem = answer.json()
            assert (problem["code"], problem["job_id"]) == ("conversation_busy", in_flight)
        # which is all that a refused client needs: it follows that job, then posts again
        reader = Reader(client, refused[0].json()["job_id"])
        stack.upstream.open(mark)
        assert reader.read_to_end()["status"] == "completed"
        assert reader.text == "one reply"
        assert client.post(url, json={**body, "content": "now"}).status_code == 202
        assert [message["role"] for message in _branch(client, conversation)][1:] == [
            "user",
            "assistant",
        ] * 2


@pytest.mark.parametrize("where", ["messages", "replies", "ask", "conversations"])
def test_twenty_equal_posts_with_one_key_make_one_thing(
    crowded: Stack, scale: Scale, tally: Tally, where: str
) -> None:
    rounds = scale.of(1, 20)
    with crowded.client() as client:
        for _ in range(rounds):
            _one_is_made(crowded, client, where)

    if where == "messages":
        tally.add(Outcome("20 equal posts at once, one key", rounds, rounds))
    assert crowded.audit() == []


def _one_is_made(stack: Stack, client: httpx.Client, where: str) -> None:
    conversation, mark = converse(client), uuid.uuid4().hex
    body: dict[str, Any] = {"title": mark} if where == "conversations" else {"content": mark}
    url = {
        "messages": f"/api/conversations/{conversation}/messages",
        "ask": "/api/ask",
        "conversations": "/api/conversations",
    }.get(where)
    if url is None:
        turn = say(client, conversation, mark)
        url, body = f"/api/messages/{turn['message']['id']}/replies", {"params": {}}
    before = _made(stack)
    key = {"Idempotency-Key": f"key {mark}"}
    # one in four says something else under the same key: whoever comes first, it is refused or all
    # the others are
    other = {**body, "model": "gpt-other"}

    answers = together(
        stack,
        *[
            lambda own, sent=other if n % 4 == 3 else body: own.post(url, json=sent, headers=key)
            for n in range(CROWD)
        ],
    )

    accepted = [answer for answer in answers if answer.status_code in (201, 202)]
    refused = [answer for answer in answers if answer.status_code not in (201, 202)]
    assert len(accepted) in (CROWD // 4, CROWD - CROWD // 4)
    assert len({answer.headers["location"] for answer in accepted}) == 1
    assert len({tuple(_ids(answer.json())) for answer in accepted}) == 1
    for answer in refused:
        assert answer.status_code == 422
        assert answer.json()["code"] == "idempotency_key_reused"
    made = {noun: count - before[noun] for noun, count in _made(stack).items()}
    expected = {
        "messages": {"conversations": 0, "messages": 2, "jobs": 1},
        "replies": {"conversations": 0, "messages": 1, "jobs": 1},
        "ask": {"conversations": 1, "messages": 3, "jobs": 1},
        "conversations": {"conversations": 1, "messages": 1, "jobs": 0},
    }
    assert made == expected[where]


def _made(stack: Stack) -> dict[str, int]:
    return {
        noun: rows(stack, f"SELECT count(*) FROM {noun}")[0][0]
        for noun in ("conversations", "messages", "jobs")
    }


def _ids(body: dict[str, Any]) -> list[str]:
    return [body[noun]["id"] for noun in ("message", "reply", "job") if noun in body] or [
        body["id"]
    ]
