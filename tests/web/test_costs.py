"""What a request costs in statements, commands and bytes: counts, so that growth fails a test.

How long they take is the bench's to say.
"""

import uuid

import pytest
from flask_openapi import OpenAPI

from common.config import TestingConfig
from common.db import Database
from tests.common.rows import come_online
from tests.common.trips import round_trips
from tests.web.hand import Hand
from tests.web.people import Person, nobody
from tests.web.sql import sql_of
from web.create_app import create_app

# What a poll says of its job beside its text, headers included.
POLL_BYTES = 1700


@pytest.fixture
def own_app(config: TestingConfig, database: Database) -> OpenAPI:
    """An application with room for every job, its caches filled and its connections open."""
    with database.transaction() as session:
        come_online(session, 100)
    app = create_app(config)
    someone = nobody(app)
    for number in range(2):  # Celery's pool opens two connections before it uses one again
        _say(someone, someone.converse()["id"], {"Idempotency-Key": f"the first {number}"})
    someone.post("/api/ask", json={"content": "hola"})
    return app


def test_a_post_costs_four_statements(own_app: OpenAPI) -> None:
    someone = nobody(own_app)
    conversation = someone.converse()["id"]
    key = {"Idempotency-Key": uuid.uuid4().hex}

    with sql_of(own_app) as sql, round_trips() as trips:
        turn = _say(someone, conversation, key)

    # BEGIN, the key, the lock and what decides; turn, reply and job, and COMMIT
    assert len(trips) == 2
    # the key; the lock; what decides; turn, reply and job. It is rung for beside the request.
    assert [_verb_of(statement) for statement in sql] == [
        "EXECUTE take_key",
        "EXECUTE lock_conversation",
        "EXECUTE grounds",
        "EXECUTE write_turn",
    ]

    with sql_of(own_app) as sql:
        assert _say(someone, conversation, key)["job"]["id"] == turn["job"]["id"]
    # the key, the lock, what decides; the job, its turn, what is beside
    assert len(sql) == 6


def test_a_conversation_costs_one_statement_and_a_question_one_more_than_a_post(
    own_app: OpenAPI,
) -> None:
    someone = nobody(own_app)
    with sql_of(own_app) as made:
        someone.converse()
    with sql_of(own_app) as asked, round_trips() as trips:
        assert someone.post("/api/ask", json={"content": "hola"}).status_code == 202

    assert [_verb_of(statement) for statement in made] == ["EXECUTE create_conversation"]
    # and the job's first poll
    assert [_verb_of(statement) for statement in asked][:-1] == [
        "EXECUTE create_conversation",
        "EXECUTE lock_conversation",
        "EXECUTE grounds",
        "EXECUTE write_turn",
    ]
    # the conversation; the lock, whose answer nobody needs, and what decides; the turn and COMMIT.
    # The poll goes by another connection, which may have to be opened first.
    assert trips.count(trips[0]) == 3


@pytest.mark.parametrize("depth", [1, 40])
def test_a_post_costs_the_same_however_long_the_conversation(
    own_app: OpenAPI, own_hand: Hand, depth: int
) -> None:
    someone = nobody(own_app)
    conversation = someone.converse()["id"]
    for _ in range(depth):
        job = someone.say(conversation)["job"]["id"]
        own_hand.claim(job)
        own_hand.complete(job, "sí")

    with sql_of(own_app) as sql:
        someone.say(conversation)

    assert len(sql) == 3


def test_a_poll_of_what_waits_or_has_ended_costs_one_statement(
    own_app: OpenAPI, own_hand: Hand
) -> None:
    someone = nobody(own_app)
    job = someone.say(someone.converse()["id"])["job"]["id"]
    someone.poll(job)  # reads the line, which is good for a second
    with sql_of(own_app) as sql:
        assert someone.poll(job)["status"] == "queued"
    assert len(sql) <= 4  # the second may be over

    own_hand.claim(job)
    own_hand.complete(job, "sí")
    with sql_of(own_app) as sql:
        assert someone.poll(job)["status"] == "completed"
    assert len(sql) == 1


def test_a_poll_without_news_is_small_and_smaller_still_with_its_etag(
    own_app: OpenAPI, own_hand: Hand
) -> None:
    someone = nobody(own_app)
    job = someone.say(someone.converse()["id"])["job"]["id"]
    own_hand.claim(job)
    own_hand.write(job, "palabra " * 1000)
    cursor = someone.poll(job)["cursor"]
    url = f"/api/jobs/{job}?cursor={cursor}"

    poll = someone.get(url)
    unchanged = someone.get(url, headers={"If-None-Match": poll.headers["ETag"]})

    assert poll.json is not None
    assert poll.json["text"] == ""
    assert len(poll.data) + _size_of_headers(poll.headers) < POLL_BYTES
    assert unchanged.status_code == 304
    assert unchanged.data == b""
    assert _size_of_headers(unchanged.headers) < POLL_BYTES / 2


def _say(someone: Person, conversation: str, headers: dict[str, str]) -> dict[str, dict[str, str]]:
    answer = someone.post(
        f"/api/conversations/{conversation}/messages", json={"content": "hola"}, headers=headers
    )
    assert answer.status_code == 202
    turn: dict[str, dict[str, str]] = answer.get_json()
    return turn


def _verb_of(statement: str) -> str:
    return " ".join(statement.split()[:2])


def _size_of_headers(headers: object) -> int:
    return len(str(headers))
