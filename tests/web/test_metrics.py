"""/metrics of the web: what it says, who may read it, and that a request costs one increment."""

import os
from pathlib import Path

import pytest
from flask_openapi import OpenAPI
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from common.census import census
from common.config import TestingConfig
from common.db import Database
from tests.common.redis_commands import redis_commands
from tests.databases import Databases
from tests.stack import wait_until
from tests.web.hand import Hand
from tests.web.people import Person, nobody, person
from tests.web.sql import sql_of
from web import metrics_folder
from web.create_app import create_app

TOKEN = "a-token-of-the-tests"


def scrape(app: OpenAPI, address: str = "127.0.0.1", **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().get(
        "/metrics", headers=named, environ_overrides={"REMOTE_ADDR": address}
    )


def samples(app: OpenAPI) -> dict[tuple[str, ...], float]:
    """(name, label's values …) → value."""
    answer = scrape(app)
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_it_tells_how_jobs_workers_and_redis_stand(app: OpenAPI, own_hand: Hand) -> None:
    alice = person(app, "Alice")
    own_hand.come_online(slots=10, busy=1)
    running, waiting = [alice.say(alice.converse()["id"])["job"]["id"] for _ in range(2)]
    wait_until(
        lambda: samples(app).get(("epicode_doorbells", "interactive")) == 2, what="both doorbells"
    )
    own_hand.claim(running)
    own_hand.let_wait(waiting, seconds=100)
    alice.say(alice.poll(running)["conversation_id"])
    app.extensions["epicode"].ringer.stop()  # whoever waits for another isn't rung for

    seen = samples(app)

    assert (seen["epicode_jobs", "queued"], seen["epicode_jobs", "in_progress"]) == (2, 1)
    assert (seen["epicode_jobs_held",], seen["epicode_jobs_startable",]) == (1, 1)
    assert 100 <= seen["epicode_oldest_startable_seconds",] < 160
    assert seen["epicode_workers_online",] == 1
    assert (seen["epicode_slots",], seen["epicode_slots_busy",]) == (10, 1)
    assert seen["epicode_leases_lapsed",] == 0
    assert seen["epicode_database_up",] == seen["epicode_redis_up",] == 1
    assert seen["epicode_redis_used_bytes",] > 100_000
    assert seen["epicode_doorbells", "interactive"] == 2


def test_a_lease_that_nobody_renews_is_told(
    app: OpenAPI, own_hand: Hand, database: Database
) -> None:
    alice = person(app, "Alice")
    own_hand.claim(alice.say(alice.converse()["id"])["job"]["id"])
    with database.transaction() as session:
        assert census(session).lapsed == 0
        session.connection().exec_driver_sql(
            "UPDATE jobs SET lease_expires_at = now() - interval '1 minute'"
        )

    assert samples(app)["epicode_leases_lapsed",] == 1


def test_each_answer_is_counted_by_its_route_and_status(app: OpenAPI) -> None:
    alice, before = person(app, "Alice"), samples(app)
    job = alice.say(alice.converse()["id"])["job"]["id"]
    for _ in range(3):
        alice.poll(job)
    alice.get("/api/jobs/nothing")
    alice.get("/no/such/path")

    after = samples(app)

    def more(*key: str) -> float:
        key = ("epicode_requests_total", *key)
        return after[key] - before.get(key, 0)

    assert more("GET /api/jobs/<id>", "200") == 3
    assert more("GET /api/jobs/<id>", "404") == 1
    assert more("POST /api/conversations/<id>/messages", "202") == 1
    assert more("other", "404") == 1
    assert not any("nothing" in label or "no/such" in label for key in after for label in key)


def test_counting_asks_neither_the_database_nor_redis(app: OpenAPI, config: TestingConfig) -> None:
    alice = nobody(app)
    scrape(app)

    with sql_of(app) as sql, redis_commands(config.REDIS_URL) as commands:
        alice.get("/health")
    assert (sql, commands) == ([], [])

    with sql_of(app) as sql, redis_commands(config.REDIS_URL) as commands:
        scrape(app)
    assert len(sql) == 1
    asked = [command.split()[0] for command in commands]
    assert [name for name in asked if name in ("INFO", "LLEN")] == ["INFO", "INFO", "LLEN", "LLEN"]


def test_it_answers_while_the_servers_are_away(config: TestingConfig) -> None:
    away = config.model_copy(
        update={
            "DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/none",
            "REDIS_URL": "redis://127.0.0.1:1/0",
        }
    )

    seen = samples(create_app(away))

    assert seen["epicode_database_up",] == seen["epicode_redis_up",] == 0
    assert ("epicode_workers_online",) not in seen


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("10.0.0.7", {}),
        ("127.0.0.1", {"X_Forwarded_For": "10.0.0.7"}),
        ("127.0.0.1", {"Forwarded": "for=10.0.0.7"}),
        ("127.0.0.1", {"Host": "evil.example"}),
        ("10.0.0.7", {"Authorization": f"Bearer {TOKEN}x"}),
        ("10.0.0.7", {"Authorization": "Bearer "}),
        ("10.0.0.7", {"Authorization": "Bearer ñ"}),
    ],
)
def test_from_elsewhere_there_is_nothing_here(
    config: TestingConfig, address: str, headers: dict[str, str]
) -> None:
    app = create_app(config.model_copy(update={"EPICODE_METRICS_TOKEN": TOKEN}))

    refused = scrape(app, address, **headers)

    assert refused.status_code == 404
    assert "epicode_" not in refused.text


def test_the_token_opens_it_from_anywhere_by_any_name(config: TestingConfig) -> None:
    app = create_app(config.model_copy(update={"EPICODE_METRICS_TOKEN": TOKEN}))

    answer = scrape(app, "10.0.0.7", Authorization=f"Bearer {TOKEN}", Host="web:8000")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


def test_without_a_token_nothing_opens_it_from_afar(anyone: Person) -> None:
    assert scrape(anyone.app, "10.0.0.7", Authorization="Bearer None").status_code == 404


def test_a_start_makes_a_folder_of_its_own_and_clears_those_of_the_dead_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_folder, "SHARED_MEMORY", tmp_path)
    monkeypatch.setenv(metrics_folder.FOLDER_VARIABLE, "/somebody/elses")
    dead, living = (tmp_path / f"epicode-metrics-{pid}-x" for pid in (2**22 + 1, os.getppid()))
    for folder in (dead, living):
        folder.mkdir()
        (folder / "counter_1.db").touch()
    # listed, but no longer there when it is looked at: another start has cleared it away
    vanishing = tmp_path / "epicode-metrics-1-y"
    vanishing.symlink_to(tmp_path / "gone")

    metrics_folder.use_own_folder()
    own = Path(os.environ[metrics_folder.FOLDER_VARIABLE])
    metrics_folder.use_own_folder()

    assert (dead.exists(), living.exists()) == (False, True)
    assert own.parent == tmp_path
    assert own.stat().st_mode & 0o777 == 0o700
    assert Path(os.environ[metrics_folder.FOLDER_VARIABLE]) == own  # a reload keeps it

    metrics_folder.remove_own_folder()
    assert {*tmp_path.iterdir()} == {living, vanishing}


def test_two_web_processes_count_together(databases: Databases) -> None:
    from tests.stack import Stack
    from tests.upstream import Upstream

    with (
        Upstream() as upstream,
        Stack(databases, upstream, {"WEB_CONCURRENCY": "2"}) as stack,
    ):
        stack.start_web()
        before = _health(stack.client().get("/metrics").text)
        for _ in range(40):  # a connection each: both processes answer some
            with stack.client() as client:
                assert client.get("/health").status_code == 200

        totals = set()
        for _ in range(10):
            with stack.client() as client:
                totals.add(_health(client.get("/metrics").text))

    assert totals == {before + 40}


def _health(text: str) -> float:
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("route") == "GET /health"
    )
