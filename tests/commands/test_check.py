"""`check` names what is well and what isn't; `sweep` does one pass by hand."""

from datetime import timedelta

import pytest

from common import jobs
from common.config import TestingConfig
from common.db import Database
from common.models import Job
from tests.commands.calling import call
from tests.common.rows import post
from tests.databases import Databases
from tests.web.hand import Hand


@pytest.fixture
def hand(config: TestingConfig) -> Hand:
    return Hand.of(config)


def test_all_is_well(config: TestingConfig, hand: Hand, capsys: pytest.CaptureFixture[str]) -> None:
    hand.come_online()

    assert call(config, "check") == 0

    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok") for line in lines)
    assert any("1 workers online, 0 of 10 slots" in line for line in lines)
    assert any("offers 3 models: gpt-other, gpt-test, zz-limited" in line for line in lines)
    assert config.OPENAI_API_KEY not in "".join(lines)


@pytest.mark.parametrize(
    ("setting", "value", "part"),
    [
        ("DATABASE_URL", "postgresql://nobody:hidden@127.0.0.1:1/none", "database"),
        ("REDIS_URL", "redis://:hidden@127.0.0.1:1/0", "redis"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:1/v1", "model server"),
    ],
)
def test_what_is_away_is_named_and_the_others_are_asked_all_the_same(
    config: TestingConfig,
    hand: Hand,
    setting: str,
    value: str,
    part: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hand.come_online()

    assert call(config.model_copy(update={setting: value}), "check") == 1

    lines = capsys.readouterr().out.splitlines()
    (problem,) = [line for line in lines if line.startswith("problem")]
    assert part in problem
    assert "hidden" not in problem
    others = {"settings", "database", "redis", "model server"} - {part}
    assert all(any(f"ok       {other}:" in line for line in lines) for other in others)


def test_a_house_without_a_worker_is_not_well(
    config: TestingConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(config, "check") == 1
    assert "problem  database: no worker is online" in capsys.readouterr().out


def test_tables_of_another_version_are_told(
    config: TestingConfig, databases: Databases, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = databases.create_database("empty_for_check")

    assert call(config.model_copy(update={"DATABASE_URL": empty}), "check") == 1
    assert "python manage.py migrate" in capsys.readouterr().out


def test_sweep_rescues_and_rings(
    config: TestingConfig, database: Database, hand: Hand, capsys: pytest.CaptureFixture[str]
) -> None:
    hand.come_online()
    with database.transaction() as session:
        job = post(session).job.id
        lapsed = timedelta(seconds=-1)
        assert jobs.claim(session, job, owner="x#1", lease=lapsed, budget=timedelta(hours=1))

    assert call(config, "sweep") == 0

    said = capsys.readouterr().out.splitlines()[-1]
    assert said == "rung: 1 · queued: 1 · running: 0 · workers online: 1"
    with database.transaction() as session:
        assert session.get_one(Job, job).attempts[0]["outcome"] == "worker_lost"
