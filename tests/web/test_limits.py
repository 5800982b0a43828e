"""Limits of users and keys: checked at the door, settled at the end, clear when reached."""

import uuid
from typing import Any

import pytest
from flask_openapi import OpenAPI
from sqlalchemy import text

from common.config import TestingConfig
from common.models import Job, User
from tests.web.accounts import Guest, member
from tests.web.hand import Hand
from tests.web.people import refused
from tests.web.test_keys import with_key
from web.database import db


@pytest.fixture(scope="module")
def club_hand(accounts_config: TestingConfig) -> Any:
    hand = Hand.of(accounts_config)
    yield hand
    hand.close()


def limited(club: OpenAPI, **limits: Any) -> Guest:
    """Alice, with these limits of her own."""
    alice = member(club, "Alice")
    with club.app_context():
        db.session.get_one(User, alice.id).limits = limits
        db.session.commit()
    return alice


def post(guest: Any, conversation: str) -> Any:
    return guest.post(f"/api/conversations/{conversation}/messages", json={"content": "hola"})


def test_posts_a_minute_are_limited_and_the_answer_says_for_how_long(club: OpenAPI) -> None:
    alice = limited(club, posts_minute=2)
    conversation = alice.converse()["id"]
    for _ in range(2):
        alice.say(conversation)

    answer = post(alice, conversation)

    problem = refused(answer, 429, "too_many_posts")
    assert "2" in problem["detail"]
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    with club.app_context():  # a minute later
        db.session.execute(
            text(
                "UPDATE jobs SET id = CAST(:id AS uuid) WHERE user_id = :user AND id ="
                " (SELECT min(id::text)::uuid FROM jobs WHERE user_id = :user)"
            ),
            {"id": str(uuid.UUID(int=(1_700_000_000_000 << 80) + 1)), "user": alice.id},
        )
        db.session.commit()
    assert post(alice, conversation).status_code == 202


def test_replies_under_way_and_those_that_wait_are_limited(club: OpenAPI, club_hand: Hand) -> None:
    alice = limited(club, active_jobs=2, waiting_jobs=1)
    job = alice.say(alice.converse()["id"])["job"]["id"]
    refused(post(alice, alice.converse()["id"]), 429, "too_many_waiting")
    club_hand.claim(job)
    second = alice.say(alice.converse()["id"])["job"]["id"]
    club_hand.claim(second)

    answer = post(alice, alice.converse()["id"])

    refused(answer, 429, "too_many_active")
    assert int(answer.headers["Retry-After"]) > 0
    club_hand.complete(job, "ya")
    assert post(alice, alice.converse()["id"]).status_code == 202


@pytest.mark.parametrize("period", ["day", "month"])
def test_tokens_are_reserved_at_the_door_and_settled_at_the_end(
    club: OpenAPI, club_hand: Hand, period: str
) -> None:
    alice = limited(club, **{f"tokens_{period}": 100})
    conversation = alice.converse()["id"]
    job = alice.say(conversation)["job"]["id"]  # reserves the longest answer
    held = post(alice, alice.converse()["id"])
    refused(held, 429, "tokens_spent")
    assert int(held.headers["Retry-After"]) == 30

    club_hand.answer(job)  # took 30 tokens

    usage = alice.get("/api/usage").get_json()
    assert usage["today"] | {"cost": 0} == {
        "requests": 1,
        "input_tokens": 20,
        "output_tokens": 10,
        "cost": 0,
    }
    assert usage["limits"][f"tokens_{period}"] == 100
    with club.app_context():
        db.session.get_one(Job, uuid.UUID(job)).input_tokens = 95
        db.session.commit()
    spent = post(alice, conversation)
    problem = refused(spent, 429, "tokens_spent")
    assert "100" in problem["detail"]
    assert int(spent.headers["Retry-After"]) > 0


def test_a_cancelled_reply_counts_with_what_it_took(club: OpenAPI, club_hand: Hand) -> None:
    from common import jobs
    from common.jobs import Said, Usage

    alice = limited(club, tokens_day=1000)
    job = alice.say(alice.converse()["id"])["job"]["id"]
    attempt = club_hand.claim(job)
    alice.post(f"/api/jobs/{job}/cancellation")
    with club_hand.database.transaction() as session:
        said = Said("a medias", 2, None, Usage(900, 150))
        assert jobs.cancel(session, uuid.UUID(job), attempt, said)

    refused(post(alice, alice.converse()["id"]), 429, "tokens_spent")


def test_deleting_a_conversation_gives_nothing_back(club: OpenAPI, club_hand: Hand) -> None:
    alice = limited(club, tokens_day=1000)
    ended, running = alice.converse()["id"], alice.converse()["id"]
    club_hand.answer(alice.say(ended)["job"]["id"])
    club_hand.claim(alice.say(running)["job"]["id"])
    before = alice.get("/api/usage").get_json()["today"]

    for conversation in (ended, running):
        assert alice.delete(f"/api/conversations/{conversation}").status_code == 204

    after = alice.get("/api/usage").get_json()["today"]
    assert (before["requests"], after["requests"]) == (2, 2)
    assert after["input_tokens"] + after["output_tokens"] > 1000  # the longest answer of one
    refused(post(alice, alice.converse()["id"]), 429, "tokens_spent")


def test_money_is_limited(club: OpenAPI, club_hand: Hand) -> None:
    alice = limited(club, cost_month=0.5)
    conversation = alice.converse()["id"]
    job = alice.say(conversation)["job"]["id"]
    club_hand.answer(job)
    with club.app_context():
        db.session.get_one(Job, uuid.UUID(job)).cost = 0.75
        db.session.commit()

    problem = refused(post(alice, conversation), 429, "money_spent")

    assert "0.5" in problem["detail"]
    assert alice.get("/api/usage").get_json()["month"]["cost"] == 0.75


def test_a_key_has_limits_of_its_own(club: OpenAPI, alice_in: Guest) -> None:
    program = with_key(alice_in, limits={"posts_minute": 1})
    conversation = alice_in.converse()["id"]
    program.say(conversation)

    refused(post(program, conversation), 429, "too_many_posts")
    refused(program.post("/api/ask", json={"content": "hola"}), 429, "too_many_posts")
    assert post(alice_in, conversation).status_code == 202
    assert post(with_key(alice_in), conversation).status_code == 202


def test_a_regenerated_reply_is_a_post_too(club: OpenAPI, club_hand: Hand) -> None:
    alice = limited(club, posts_minute=1)
    turn = alice.say(alice.converse()["id"])

    answer = alice.post(f"/api/messages/{turn['message']['id']}/replies", json={})

    refused(answer, 429, "too_many_posts")
