"""The ring beside the requests: nobody who posts waits for it, and one is for many."""

import pytest
from flask_openapi import OpenAPI

from common.config import TestingConfig
from common.db import Database
from common.models import Job
from tests.common.redis_commands import redis_commands
from tests.common.rows import ALICE, come_online, queue_many
from tests.common.statements import statements
from web.create_app import create_app
from web.database import looks
from web.ringer import ANYBODY, Ringer

POSTS = 12


@pytest.fixture
def own_app(config: TestingConfig, database: Database) -> OpenAPI:
    """An application with room for every job."""
    with database.transaction() as session:
        come_online(session, 100)
    return create_app(config)


@pytest.fixture
def ringer(own_app: OpenAPI) -> Ringer:
    found: Ringer = own_app.extensions["epicode"].ringer
    return found


def test_those_who_post_together_are_rung_for_together(
    own_app: OpenAPI, ringer: Ringer, database: Database, config: TestingConfig
) -> None:
    with database.transaction() as session:
        posted = queue_many(session, ALICE, POSTS)
    with own_app.app_context():
        engine = looks()

    with redis_commands(config.REDIS_URL) as commands, statements(engine) as sent:
        for job_id in posted:
            ringer.ring(job_id)
        ringer.stop()

    with database.transaction() as session:
        assert all(session.get_one(Job, job_id).rung_at for job_id in posted)
    assert [command.split()[0] for command in commands].count("LPUSH") == POSTS
    # whoever is first, and all that came meanwhile
    assert {statement.split()[1] for statement in sent} == {"pick_with_room"}
    assert len(sent) < POSTS / 2


def test_a_new_ring_finds_whoever_was_left(ringer: Ringer, database: Database) -> None:
    with database.transaction() as session:
        (left,) = queue_many(session, ALICE, 1)

    ringer.ring()
    ringer.stop()

    with database.transaction() as session:
        assert session.get_one(Job, left).rung_at is not None


def test_a_post_beside_it_keeps_nobody_from_being_found(ringer: Ringer, database: Database) -> None:
    with database.transaction() as session:
        (left,) = queue_many(session, ALICE, 1)
        (posted,) = queue_many(session, ALICE, 1)

    ringer._ring([ANYBODY, posted])

    with database.transaction() as session:
        for job_id in (left, posted):
            assert session.get_one(Job, job_id).rung_at is not None
