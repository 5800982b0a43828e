"""A conversation's tree changed while it is being answered: taken back, said again, edited."""

import random
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx

from common import conversations
from common.db import Database
from common.models.access import LOCAL_USER_ID
from tests.faults.race import rows, statuses, together
from tests.reader import Reader, converse, say
from tests.scale import Outcome, Scale, Tally
from tests.stack import Stack
from tests.upstream import Done, End, Gate, Script, Text

CROWD = 10
# About as long as the next turn takes to start once the reply before it has ended.
A_MOMENT = 0.3


def _held(gate: str, text: str) -> Script:
    """Begins at once and ends when the gate is opened."""
    return Script(steps=(Text(text[:2]), Gate(gate), Text(text[2:]), End(), Done()))


def _again(client: httpx.Client, message: str) -> dict[str, Any]:
    answer = client.post(f"/api/messages/{message}/replies", json={})
    assert answer.status_code == 202, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _tree(client: httpx.Client, conversation: str) -> dict[str, dict[str, Any]]:
    url = f"/api/conversations/{conversation}/messages"
    page = client.get(url, params={"all": "1", "limit": 100}).json()["data"]
    return {message["id"]: message for message in page}


def _branch(tree: dict[str, dict[str, Any]], message: str) -> list[dict[str, str]]:
    """What a model should be told for this turn: everything above it, and it."""
    path, at = [], tree.get(message)
    while at is not None:
        path.append({"role": at["role"], "content": at["content"]})
        at = tree.get(at["parent_id"])
    return path[::-1]


def _head(client: httpx.Client, conversation: str) -> str:
    head: str = client.get(f"/api/conversations/{conversation}").json()["head_message_id"]
    return head


def test_a_turn_taken_back_as_it_starts_is_gone_or_answered_never_half(
    stack: Stack, scale: Scale, tally: Tally
) -> None:
    each = scale.of(4, 60)

    def race(client: httpx.Client) -> list[int]:
        return [_taken_back_at_its_start(stack, client) for _ in range(each)]

    answers = [status for some in together(stack, *[race] * CROWD) for status in some]

    assert set(answers) == {204, 409}  # both must have been possible, or nothing was raced
    assert stack.audit() == []
    tally.add(Outcome("turn taken back as it starts", len(answers), len(answers)))


def _taken_back_at_its_start(stack: Stack, client: httpx.Client) -> int:
    mark = uuid.uuid4().hex
    stack.upstream.script(f"first {mark}", _held(mark, "the first"))
    conversation = converse(client)
    first = say(client, conversation, f"first {mark}")
    second = say(client, conversation, f"second {mark}")
    stack.upstream.wait_at(mark)
    stack.upstream.open(mark)
    time.sleep(random.uniform(0, A_MOMENT))

    answer = client.delete(f"/api/messages/{second['message']['id']}")

    assert Reader(client, first["job"]["id"]).read_to_end()["status"] == "completed"
    job = f"/api/jobs/{second['job']['id']}"
    if answer.status_code == 204:
        assert client.get(job).status_code == 404
        assert _head(client, conversation) == first["reply"]["id"]
        # whatever follows in this conversation comes after anything that could still be asked
        third = Reader(client, say(client, conversation, f"third {mark}")["job"]["id"])
        assert third.read_to_end()["status"] == "completed"
        asked = [request.text for request in stack.upstream.requests if mark in request.text]
        assert asked == [f"first {mark}", f"third {mark}"]
        assert len(_tree(client, conversation)) == 5
    else:
        assert answer.json()["code"] == "turn_already_started"
        reader = Reader(client, second["job"]["id"])
        assert reader.read_to_end()["status"] == "completed"
        assert reader.text == f"echo: second {mark}"
    return answer.status_code


def test_a_waiting_turn_taken_back_while_others_build_on_it_is_gone_or_kept_whole(
    stack: Stack, scale: Scale
) -> None:
    seen = set()
    for n in range(scale.of(6, 100)):
        mark = f"[[built on {n} {uuid.uuid4().hex[:8]}]]"
        stack.upstream.script(mark, _held(mark, "held"))
        with stack.client() as client:
            conversation = converse(client)
            say(client, conversation, mark)
            turn = say(client, conversation, f"waits {n}")
            message, reply = turn["message"]["id"], turn["reply"]["id"]
            acts: list[Callable[[httpx.Client], httpx.Response]] = [
                lambda own, m=message: own.delete(f"/api/messages/{m}"),
                lambda own, m=message: own.delete(f"/api/messages/{m}"),
                lambda own, m=message: own.post(f"/api/messages/{m}/replies", json={}),
                lambda own, c=conversation, r=reply: own.post(
                    f"/api/conversations/{c}/messages", json={"content": "on", "parent_id": r}
                ),
            ]
            back, again, *built = together(stack, *acts)
            stack.upstream.open(mark)
            _to_their_ends(client, conversation)
        removed, others = statuses([back, again]), [answer.status_code for answer in built]
        if 204 in removed:
            assert (removed, others) == ([204, 404], [404, 422])
        else:
            assert removed == [409, 409]
            assert 202 in others
        seen.add(removed[0])
    assert seen <= {204, 409}
    assert stack.audit() == []


def test_a_reply_said_again_while_the_first_is_running_leaves_both_whole(stack: Stack) -> None:
    mark = f"[[again {uuid.uuid4().hex[:8]}]]"
    stack.upstream.script(mark, _held(f"1 {mark}", "the first"), _held(f"2 {mark}", "the second"))
    with stack.client() as client:
        conversation = converse(client)
        turn = say(client, conversation, mark)
        first = Reader(client, turn["job"]["id"])
        first.read_until_text()

        other = _again(client, turn["message"]["id"])

        second = Reader(client, other["job"]["id"])
        second.read_until_text()
        assert _head(client, conversation) == other["reply"]["id"]
        stack.upstream.open(f"2 {mark}")
        assert second.read_to_end()["status"] == "completed"
        stack.upstream.open(f"1 {mark}")
        assert first.read_to_end()["status"] == "completed"
        assert (first.text, second.text) == ("the first", "the second")
        tree = _tree(client, conversation)
        pair = [turn["reply"]["id"], other["reply"]["id"]]
        assert [tree[reply]["content"] for reply in pair] == ["the first", "the second"]
        assert tree[pair[0]]["sibling_ids"] == pair
        # the first ended last, but the newer one is what the person asked for
        assert _head(client, conversation) == other["reply"]["id"]
    assert stack.audit() == []


def test_a_branch_switched_to_while_another_is_answered_stays_in_view(stack: Stack) -> None:
    mark = f"[[switch {uuid.uuid4().hex[:8]}]]"
    stack.upstream.script(mark, _held(f"1 {mark}", "the first"), _held(f"2 {mark}", "the second"))
    with stack.client() as client:
        conversation = converse(client)
        turn = say(client, conversation, mark)
        stack.upstream.wait_at(f"1 {mark}")
        other = _again(client, turn["message"]["id"])
        stack.upstream.wait_at(f"2 {mark}")

        switched = client.patch(
            f"/api/conversations/{conversation}", json={"head_message_id": turn["reply"]["id"]}
        )

        assert switched.json()["head_message_id"] == turn["reply"]["id"]
        below = say(client, conversation, f"below {mark[2:-2]}")
        assert below["message"]["parent_id"] == turn["reply"]["id"]
        for gate in (f"2 {mark}", f"1 {mark}"):
            stack.upstream.open(gate)
        for job in (turn, other, below):
            assert Reader(client, job["job"]["id"]).read_to_end()["status"] == "completed"
        assert _head(client, conversation) == below["reply"]["id"]
        asked = stack.upstream.wait_for(1, f"below {mark[2:-2]}")[0]
        assert asked.messages == _branch(_tree(client, conversation), below["message"]["id"])
    assert stack.audit() == []


def test_a_turn_edited_while_it_is_answered_is_answered_on_a_branch_of_its_own(
    stack: Stack,
) -> None:
    mark = f"[[edit {uuid.uuid4().hex[:8]}]]"
    stack.upstream.script(mark, _held(mark, "to the old words"))
    with stack.client() as client:
        conversation = converse(client)
        old = say(client, conversation, f"old {mark}")
        first = Reader(client, old["job"]["id"])
        first.read_until_text()

        new = say(client, conversation, "new words", parent_id=old["message"]["parent_id"])

        edited = Reader(client, new["job"]["id"])
        assert edited.read_to_end()["status"] == "completed"
        assert first.poll()["status"] == "in_progress"
        stack.upstream.open(mark)
        assert first.read_to_end()["status"] == "completed"
        assert (first.text, edited.text) == ("to the old words", "echo: new words")
        assert _head(client, conversation) == new["reply"]["id"]
        asked = stack.upstream.wait_for(1, "new words")[-1]
        assert [part["content"] for part in asked.messages if part["role"] != "system"] == [
            "new words"
        ]
    assert stack.audit() == []


def test_a_tree_that_grows_everywhere_at_once_asks_each_turn_with_its_own_branch(
    stack: Stack, scale: Scale, tally: Tally
) -> None:
    jobs, rounds = 0, scale.of(2, 60)
    for _ in range(rounds):
        jobs += _grows_everywhere(stack)

    assert stack.audit() == []
    tally.add(Outcome("regenerated, edited, switched at once", rounds, jobs))


def _grows_everywhere(stack: Stack) -> int:
    mark = uuid.uuid4().hex
    stack.upstream.script(f"first {mark}", _held(mark, "the first"))
    with stack.client() as client:
        conversation = converse(client)
        first = say(client, conversation, f"first {mark}")
        here = f"/api/conversations/{conversation}"
        below, message = f"{here}/messages", first["message"]["id"]
        root = first["message"]["parent_id"]
        stack.upstream.wait_at(mark)
        acts: list[Callable[[httpx.Client], httpx.Response]] = [
            lambda own, text=f"{where} {n} {mark}", parent=parent: own.post(
                below, json={"content": text, **parent}
            )
            for where, parent in (("head", {}), ("edit", {"parent_id": root}))
            for n in range(3)
        ]
        acts += [lambda own: own.post(f"/api/messages/{message}/replies", json={})] * 3
        acts += [lambda own: own.patch(here, json={"head_message_id": message})] * 2

        answers = together(stack, *acts)

        assert statuses(answers) == [200] * 2 + [202] * 9
        stack.upstream.open(mark)
        ended = _to_their_ends(client, conversation)
        assert len(ended) == 10
        assert {job["status"] for job in ended} == {"completed"}
        tree = _tree(client, conversation)
        asked = [request for request in stack.upstream.requests if mark in request.text]
        assert len(asked) == 10
        questions = {item["content"]: item for item in tree.values() if item["role"] == "user"}
        for request in asked:
            assert request.messages == _branch(tree, questions[request.text]["id"])
        assert tree[_head(client, conversation)]["role"] == "assistant"
        return len(ended)


def _to_their_ends(client: httpx.Client, conversation: str) -> list[dict[str, Any]]:
    page = client.get("/api/jobs", params={"conversation_id": conversation, "limit": 100})
    return [Reader(client, job["id"]).read_to_end() for job in page.json()["data"]]


def test_a_turn_starts_while_its_conversation_is_being_changed(stack: Stack) -> None:
    mark = f"[[claim {uuid.uuid4().hex[:8]}]]"
    stack.upstream.script(mark, _held(mark, "held"))
    database = Database(stack.database_url, pool_size=1)
    with stack.client() as client:
        conversation = converse(client)
        say(client, conversation, mark)
        waiting = Reader(client, say(client, conversation, "starts all the same")["job"]["id"])
        stack.upstream.wait_at(mark)

        with database.transaction() as session:
            conversations.find(session, LOCAL_USER_ID, uuid.UUID(conversation), lock=True)
            stack.upstream.open(mark)
            ended = waiting.read_to_end(10)

        assert ended["status"] == "completed"
    database.close()
    assert rows(stack, "SELECT status FROM jobs WHERE id = %s", ended["id"]) == [("completed",)]
