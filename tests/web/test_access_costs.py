"""What it costs to know who asks: one indexed SELECT, and nothing in local mode."""

from collections.abc import Iterator

import pytest
from flask_openapi import OpenAPI
from sqlalchemy import text

from common.config import TestingConfig
from common.models import User
from tests.common.redis_commands import redis_commands
from tests.web.accounts import Guest, member
from tests.web.hand import Hand
from tests.web.people import Person
from tests.web.sql import sql_of
from tests.web.test_keys import with_key
from web.create_app import create_app
from web.database import close_all, db


@pytest.fixture
def own_club(config: TestingConfig) -> Iterator[OpenAPI]:
    app = create_app(config.model_copy(update={"EPICODE_AUTH": "accounts"}))
    yield app
    with app.app_context():
        close_all()


def running_job(guest: Guest, hand: Hand) -> str:
    job: str = guest.say(guest.converse()["id"])["job"]["id"]
    hand.claim(job)
    hand.write(job, "hola")
    return job


def test_a_poll_with_a_session_or_a_key_costs_one_select_and_one_round_trip(
    own_club: OpenAPI, own_hand: Hand, config: TestingConfig
) -> None:
    alice = member(own_club, "Alice")
    job = running_job(alice, own_hand)
    program = with_key(alice)
    with own_club.app_context():  # never seen before: a poll doesn't write that it was
        db.session.execute(text("UPDATE sessions SET last_seen_at = '2020-01-01'"))
        db.session.commit()

    for reader in (alice, program):
        reader.poll(job)  # each connection prepares the statement once
        with sql_of(own_club) as sql, redis_commands(config.REDIS_URL) as commands:
            assert reader.poll(job)["text"] == "hola"
        assert len(sql) == 1, sql
        assert len(commands) == 1, commands
    with own_club.app_context():
        seen = db.session.scalar(text("SELECT max(last_seen_at)::text FROM sessions")) or ""
    assert seen.startswith("2020")


def test_who_is_asking_is_found_along_an_index(own_club: OpenAPI) -> None:
    member(own_club, "Alice")
    with own_club.app_context():
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        for table in ("sessions", "api_keys"):
            plan = db.session.execute(
                text(
                    f"EXPLAIN SELECT users.id FROM {table} JOIN users"
                    f" ON users.id = {table}.user_id WHERE sha256 = '\\x00'"
                )
            )
            said = "\n".join(plan.scalars())
            assert f"Index Scan using uq_{table}_sha256" in said, said
            assert "Seq Scan" not in said, said


def test_what_decides_about_a_post_stays_one_statement_with_limits(
    own_club: OpenAPI, own_hand: Hand
) -> None:
    alice = member(own_club, "Alice")
    with own_club.app_context():
        db.session.get_one(User, alice.id).limits = {"tokens_day": 10**9, "posts_minute": 1000}
        db.session.commit()
    own_hand.come_online(slots=100)
    alice.say(alice.converse()["id"])  # each connection prepares a statement once
    conversation = alice.converse()["id"]

    with sql_of(own_club) as sql:
        alice.say(conversation)

    # who asks; the lock; what decides, with what was spent; turn, reply and job
    assert [statement.split()[1] for statement in sql[:4]] == [
        "caller_by_session",
        "lock_conversation",
        "grounds_with_spent",
        "write_turn",
    ]


def test_a_program_in_local_mode_costs_one_select_too(
    house: OpenAPI, alice: Person, hand: Hand
) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.claim(job)
    alice.poll(job)
    with sql_of(house) as sql:
        alice.poll(job)
    assert len(sql) == 1
