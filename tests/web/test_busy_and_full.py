"""A conversation whose reply is still being said, and a house with too many waiting."""

import uuid

from common.config import TestingConfig
from common.db import Database
from tests.common.rows import queue_many
from tests.web.hand import Hand
from tests.web.people import Person, person, refused
from tests.web.sql import sql_of
from web.create_app import create_app


def test_a_turn_may_ask_to_be_refused_while_the_one_before_is_pending(
    alice: Person, hand: Hand
) -> None:
    conversation = alice.converse()["id"]
    first = alice.say(conversation, "a")["job"]["id"]
    url = f"/api/conversations/{conversation}/messages"
    body = {"content": "b", "on_busy": "reject"}

    waiting = refused(alice.post(url, json=body), 409, "conversation_busy")
    hand.claim(first)
    running = refused(alice.post(url, json=body), 409, "conversation_busy")
    hand.complete(first, "hecho")

    assert waiting["job_id"] == running["job_id"] == first
    assert alice.post(url, json=body).status_code == 202


def test_a_turn_is_posted_behind_a_pending_one_unless_told_otherwise(alice: Person) -> None:
    conversation = alice.converse()["id"]
    first = alice.say(conversation, "a")

    for more in ({}, {"on_busy": "queue"}):
        last = alice.say(conversation, "b", **more)
        assert last["job"]["queue"]["reason"] == "previous_reply"
        assert last["message"]["parent_id"] == first["reply"]["id"]
        first = last


def test_siblings_never_make_each_other_busy(alice: Person) -> None:
    conversation = alice.converse()["id"]
    first = alice.say(conversation, "a")

    beside = alice.say(conversation, "b", parent_id=first["message"]["parent_id"], on_busy="reject")

    assert beside["job"]["queue"]["reason"] == "worker"
    assert alice.regenerate(first["message"]["id"])["job"]["queue"]["reason"] == "worker"


def test_a_busy_conversation_that_is_refused_remembers_no_key(alice: Person, hand: Hand) -> None:
    conversation = alice.converse()["id"]
    first = alice.say(conversation, "a")["job"]["id"]
    url = f"/api/conversations/{conversation}/messages"
    body, key = {"content": "b", "on_busy": "reject"}, {"Idempotency-Key": f"busy {first}"}
    refused(alice.post(url, json=body, headers=key), 409, "conversation_busy")

    hand.answer(first)

    assert alice.post(url, json=body, headers=key).status_code == 202


def _three_posts(alice: Person) -> list[tuple[str, dict[str, str]]]:
    turn = alice.say(alice.converse()["id"])
    return [
        (f"/api/conversations/{turn['job']['conversation_id']}/messages", {"content": "x"}),
        (f"/api/messages/{turn['message']['id']}/replies", {}),
        ("/api/ask", {"content": "x"}),
    ]


def test_a_user_with_too_many_waiting_is_told_to_come_back(config: TestingConfig) -> None:
    app = create_app(config.model_copy(update={"EPICODE_MAX_WAITING_PER_USER": 2}))
    alice, bob = person(app, "Alice"), person(app, "Bob")
    posts = _three_posts(alice)
    alice.post("/api/ask", json={"content": "the second"})

    for url, body in posts:
        answer = alice.post(url, json=body)
        problem = refused(answer, 429, "too_many_waiting")
        assert "2" in problem["detail"]
        assert int(answer.headers["Retry-After"]) > 0
    assert bob.post("/api/ask", json={"content": "x"}).status_code == 202


def test_a_full_house_tells_everybody_to_come_back(config: TestingConfig) -> None:
    full = create_app(config.model_copy(update={"EPICODE_MAX_WAITING": 2}))
    alice, bob = person(full, "Alice"), person(full, "Bob")
    posts = _three_posts(alice)
    bob.post("/api/ask", json={"content": "the second"})

    for url, body in posts:
        answer = alice.post(url, json=body)
        refused(answer, 503, "queue_full")
        assert int(answer.headers["Retry-After"]) > 0
    assert full.test_client().get("/api/conversations").status_code == 200


def test_what_was_accepted_is_known_again_in_a_full_house(config: TestingConfig) -> None:
    full = create_app(config.model_copy(update={"EPICODE_MAX_WAITING": 4}))
    alice = person(full, "Alice")
    posts = [(*post, {"Idempotency-Key": f"known {post[0]}"}) for post in _three_posts(alice)]
    accepted = [alice.post(url, json=body, headers=key) for url, body, key in posts]
    refused(alice.post("/api/ask", json={"content": "x"}), 503, "queue_full")

    again = [alice.post(url, json=body, headers=key) for url, body, key in posts]

    assert [answer.status_code for answer in accepted + again] == [202] * 6
    assert [answer.headers["Location"] for answer in again] == [
        answer.headers["Location"] for answer in accepted
    ]


def test_what_has_begun_or_ended_leaves_room_for_more(
    config: TestingConfig, own_hand: Hand
) -> None:
    app = create_app(config.model_copy(update={"EPICODE_MAX_WAITING_PER_USER": 1}))
    alice = person(app, "Alice")
    for ending in ("claimed", "cancelled", "taken back"):
        turn = alice.say(alice.converse()["id"])
        refused(alice.post("/api/ask", json={"content": "x"}), 429, "too_many_waiting")
        if ending == "claimed":
            own_hand.claim(turn["job"]["id"])
        elif ending == "cancelled":
            alice.post(f"/api/jobs/{turn['job']['id']}/cancellation")
        else:
            alice.delete(f"/api/messages/{turn['message']['id']}")

    assert alice.post("/api/ask", json={"content": "x"}).status_code == 202


def test_a_poll_costs_as_many_statements_with_thousands_waiting_as_with_one(
    config: TestingConfig, database: Database
) -> None:
    counts = []
    for waiting in (1, 1500):
        alice = person(create_app(config), "Alice")
        with database.transaction() as session:
            last = queue_many(session, alice.id, waiting)[-1]
        counts.append([_polled(alice, last), _polled(alice, last)])

    # whose key it is, and the job; and once a second the line, the crew and the pace
    assert counts == [[5, 2], [5, 2]]


def _polled(who: Person, job_id: uuid.UUID) -> int:
    """How many statements a poll costs."""
    with sql_of(who.app) as sent:
        assert who.poll(str(job_id))["status"] == "queued"
    return len(sent)
