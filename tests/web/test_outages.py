"""The web while PostgreSQL or Redis is away: nothing half-written, nobody kept waiting."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask_openapi import OpenAPI

from common.config import ROOT, TestingConfig
from tests.databases import Databases
from tests.web.contract import Contract
from tests.web.hand import Hand
from tests.web.people import Person, nobody, person, refused
from tests.web.routes import belongings, body_of, filled
from web.create_app import create_app
from web.database import close_all

POST_SECONDS = 3.0


@pytest.fixture(scope="module")
def own_databases() -> Iterator[Databases]:
    """Servers that this file may stop, with a migrated database."""
    with Databases() as databases:
        url = databases.create_database("outages")
        environment = os.environ | {
            "FLASK_ENV": "testing",
            "DATABASE_URL": url,
            "REDIS_URL": databases.valkey.url,
        }
        command = [sys.executable, "manage.py", "migrate"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        yield databases


@dataclass
class OwnHouse:
    """An application on servers that may be stopped."""

    databases: Databases
    config: TestingConfig
    app: OpenAPI
    hand: Hand

    @property
    def alice(self) -> Person:
        return person(self.app, "Alice")


@pytest.fixture
def own_house(own_databases: Databases) -> Iterator[OwnHouse]:
    url = own_databases.create_database("outage", template="outages")
    config = TestingConfig(
        FLASK_ENV="testing", DATABASE_URL=url, REDIS_URL=own_databases.valkey.url
    )
    app, hand = create_app(config), Hand.of(config)
    yield OwnHouse(own_databases, config, app, hand)
    for server in (own_databases.postgres, own_databases.valkey):
        if not server.is_running:
            server.start()
    hand.close()
    with app.app_context():
        close_all()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word: a Redis that hangs."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        taken: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    taken.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1]
        for connection in taken:
            connection.close()


# Where nobody signs in, these say so, or sign nobody out, without asking.
NEEDS_NO_DATABASE = {
    ("POST", "/api/session"),
    ("DELETE", "/api/session"),
    ("POST", "/api/account"),
    ("PUT", "/api/account/password"),
    ("POST", "/api/account/deletion"),
    ("POST", "/api/admin/invitations"),
}


def test_without_the_database_every_route_is_a_503_that_says_when_to_come_back(
    own_house: OwnHouse,
) -> None:
    alice, someone = own_house.alice, nobody(own_house.app)
    ids = belongings(alice)
    own_house.databases.postgres.stop()

    for who in (alice, someone):
        for verb, path, operation in Contract(own_house.app.api_doc).operations():
            if path == "/health":
                continue
            url = filled(path, ids)
            answer = who.call(verb, url, json=body_of(operation))
            if who is someone and (verb, path) in NEEDS_NO_DATABASE:
                assert answer.status_code in (204, 409), path
                continue
            refused(answer, 503, "database_unavailable")
            assert int(answer.headers["Retry-After"]) > 0, path
    assert someone.get("/health").status_code == 200
    assert someone.get("/").status_code == 200


def test_the_web_recovers_by_itself_and_nothing_is_half_written(own_house: OwnHouse) -> None:
    alice = own_house.alice
    conversation = alice.converse()["id"]
    turn, key = {"content": "una sola vez"}, {"Idempotency-Key": "once"}
    url = f"/api/conversations/{conversation}/messages"
    own_house.databases.postgres.stop()
    refused(alice.post(url, json=turn, headers=key), 503, "database_unavailable")

    own_house.databases.postgres.start()

    assert alice.texts(conversation) == []
    assert alice.post(url, json=turn, headers=key).status_code == 202
    assert alice.texts(conversation) == ["una sola vez", ""]


def test_a_running_job_is_still_read_without_the_database(own_house: OwnHouse) -> None:
    someone = nobody(own_house.app)
    job = someone.say(someone.converse()["id"])["job"]["id"]
    own_house.hand.claim(job)
    own_house.hand.write(job, "sigo aquí")

    own_house.databases.postgres.stop()

    assert someone.poll(job)["text"] == "sigo aquí"


def test_without_redis_a_turn_is_accepted_and_polls_come_from_the_database(
    own_house: OwnHouse,
) -> None:
    alice = own_house.alice
    own_house.hand.come_online()
    conversation = alice.converse()["id"]
    running = alice.say(alice.converse()["id"])["job"]["id"]
    own_house.hand.claim(running)
    own_house.databases.valkey.kill()
    began = time.monotonic()

    job = alice.say(conversation, "sin Redis")["job"]

    assert time.monotonic() - began < POST_SECONDS
    own_house.app.extensions["epicode"].ringer.stop()
    assert own_house.hand.job(job["id"]).rung_at is None, "an unsent doorbell is rung again"
    assert alice.poll(job["id"])["status"] == "queued"
    assert (alice.poll(running)["status"], alice.poll(running)["text"]) == ("in_progress", "")
    assert alice.post(f"/api/jobs/{job['id']}/cancellation").get_json()["status"] == "cancelled"
    asked = alice.post(f"/api/jobs/{running}/cancellation").get_json()
    assert (asked["status"], asked["cancelling"]) == ("in_progress", True)
    assert alice.delete(f"/api/conversations/{conversation}").status_code == 204


def test_a_redis_that_hangs_holds_no_turn_up(config: TestingConfig, silent_port: int) -> None:
    url = f"redis://:secret@127.0.0.1:{silent_port}/0"
    app = create_app(config.model_copy(update={"REDIS_URL": url}))
    alice, hand = person(app, "Alice"), Hand.of(config)
    hand.come_online()
    conversation = alice.converse()["id"]

    for _ in range(3):
        began = time.monotonic()
        alice.say(conversation)
        assert time.monotonic() - began < POST_SECONDS
    hand.close()


def test_readiness_names_what_is_missing(own_house: OwnHouse) -> None:
    someone = nobody(own_house.app)

    problem = refused(someone.get("/health/ready"), 503, "worker_unavailable")
    assert "celery -A worker.app worker" in problem["detail"]
    own_house.hand.come_online()
    assert someone.get("/health/ready").get_json() == {"status": "ready", "workers": 1}
    own_house.databases.valkey.stop()
    answer = someone.get("/health/ready")
    refused(answer, 503, "redis_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    own_house.databases.postgres.stop()
    problem = refused(someone.get("/health/ready"), 503, "database_unavailable")
    assert "PostgreSQL" in problem["detail"]
