"""The settings: what is right, what is wrong, and that all that is wrong is said at once."""

import json
import os
import random
import uuid
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from common import config, run_file
from common.config import (
    DOCUMENTED_SECRETS,
    SEED_DATABASE_URL,
    SEED_REDIS_URL,
    BaseConfig,
    DevelopmentConfig,
    ProductionConfig,
    TestingConfig,
    _is_postgresql,
    config_map,
    load_config,
)
from common.errors import ConfigurationError

A_SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def newcomer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without settings, where nothing runs: its project folder."""
    for name in set(os.environ) & set(BaseConfig.model_fields):
        monkeypatch.delenv(name)
    monkeypatch.setattr(config, "ROOT", tmp_path)
    for kind in (BaseConfig, DevelopmentConfig, ProductionConfig):
        monkeypatch.setitem(kind.model_config, "env_file", tmp_path / ".env")  # type: ignore[misc]
    monkeypatch.setenv("EPICODE_DATA", str(tmp_path / "data"))
    return tmp_path


def given(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


def complaints() -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        load_config()
    return str(refused.value).splitlines()


def test_without_settings_it_is_development_with_the_seeds_addresses() -> None:
    settings = load_config()

    assert type(settings) is DevelopmentConfig
    assert (settings.DEBUG, settings.TESTING) == (True, False)
    assert settings.DATABASE_URL == SEED_DATABASE_URL
    assert settings.REDIS_URL == SEED_REDIS_URL


@pytest.mark.parametrize("name", ["development", "testing", "production"])
def test_flask_env_chooses_the_class(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    given(monkeypatch, FLASK_ENV=name, SECRET_KEY=A_SECRET)
    given(monkeypatch, DATABASE_URL=SEED_DATABASE_URL, REDIS_URL=SEED_REDIS_URL)

    settings = load_config()

    assert type(settings) is config_map[name]
    assert name == settings.FLASK_ENV
    assert (name == "testing") == settings.TESTING
    assert (name == "development") == settings.DEBUG


def test_an_unknown_environment_names_the_three(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, FLASK_ENV="staging")

    assert complaints() == ["FLASK_ENV=staging is unknown: use development, testing or production"]


def test_every_wrong_setting_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given(
        monkeypatch,
        FLASK_ENV="production",
        EPICODE_PORT="eighty",
        EPICODE_MAX_FAILURES="0",
        EPICODE_LEASE_SECONDS="5",
        EPICODE_JOB_SECONDS="10",
        DATABASE_URL="mysql://localhost/db",
        REDIS_URL="localhost:6379",
        EPICODE_HOST="0.0.0.0",
    )

    said = complaints()

    begins = [sentence.split()[0].split("=")[0].rstrip(":") for sentence in said]
    assert sorted(begins) == [
        "DATABASE_URL",
        "EPICODE_HOST",
        "EPICODE_JOB_SECONDS",
        "EPICODE_LEASE_SECONDS",
        "EPICODE_MAX_FAILURES",
        "EPICODE_PORT",
        "REDIS_URL",
        "SECRET_KEY",
    ]


def test_what_is_wrong_is_said_without_the_values_of_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given(monkeypatch, FLASK_ENV="production", SECRET_KEY="short-secret")
    given(monkeypatch, DATABASE_URL="mysql://me:hidden@localhost/db", OPENAI_API_KEY="sk-hidden")

    said = "\n".join(complaints())

    assert "SECRET_KEY" in said
    assert "hidden" not in said
    assert "short-secret" not in said


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgresql://me@localhost:port/db"),
        ("DATABASE_URL", "postgresql+asyncpg://me@localhost/db"),
        ("DATABASE_URL", "sqlite:///file"),
        ("DATABASE_URL", "postgresql"),
        ("REDIS_URL", "redis://localhost:port/0"),
        ("REDIS_URL", "redis://[::1/0"),
        ("REDIS_URL", "unix:///run/redis.sock"),
    ],
)
def test_an_address_that_can_not_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    given(monkeypatch, **{name: url})

    (said,) = complaints()

    assert said.startswith(f"{name} must be like ")


def test_a_database_address_is_read_as_sqlalchemy_reads_it() -> None:
    chance = random.Random(5432)
    pieces = [*"/:@?#[]&= \nñu1", "://", "5432", "-1", "::1", "%40", "+psycopg2", "host=/tmp", "db"]
    read = {True: 0, False: 0}
    for _ in range(5_000):
        start = chance.choice(["postgresql://", "postgresql+psycopg2://", "postgresql", ""])
        url = start + "".join(chance.choices(pieces, k=chance.randrange(10)))
        try:
            theirs = make_url(url).drivername in ("postgresql", "postgresql+psycopg2")
        except (ArgumentError, ValueError):
            theirs = False

        assert _is_postgresql(url) == theirs, url
        read[theirs] += 1
    assert min(read.values()) > 500


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgresql+psycopg2://me:p#a/ss@localhost:5432/db"),
        ("DATABASE_URL", "postgresql://epicode:secret@/epicode?host=/run/short"),
        ("REDIS_URL", "rediss://:secret@[::1]:6380/1"),
    ],
)
def test_an_address_may_have_any_form_that_its_client_takes(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    given(monkeypatch, **{name: url})

    settings = load_config()

    assert getattr(settings, name) == url
    assert settings.SQLALCHEMY_DATABASE_URI.startswith("postgresql+psycopg2://")


def test_testing_refuses_to_start_without_throw_away_servers(
    monkeypatch: pytest.MonkeyPatch, newcomer: Path
) -> None:
    run_stack(newcomer / "data")
    (newcomer / ".env").write_text("DATABASE_URL=postgresql://me@localhost/mine\n")
    given(monkeypatch, FLASK_ENV="testing", REDIS_URL=SEED_REDIS_URL, EPICODE_LEASE_SECONDS="1")

    said = complaints()

    assert [sentence.split()[0] for sentence in said] == [
        "EPICODE_LEASE_SECONDS",
        "FLASK_ENV=testing",
    ]
    assert "./epicode test" in said[1]


def test_testing_reads_no_env_file(monkeypatch: pytest.MonkeyPatch, newcomer: Path) -> None:
    (newcomer / ".env").write_text("FLASK_ENV=testing\nOPENAI_API_KEY=sk-of-a-person\n")
    given(monkeypatch, DATABASE_URL=SEED_DATABASE_URL, REDIS_URL=SEED_REDIS_URL)

    settings = load_config()

    assert type(settings) is TestingConfig
    assert settings.OPENAI_API_KEY == ""


@pytest.mark.parametrize(
    "secret",
    ["", "development-only", "x" * 31, "x" * 64, "ab" * 32, max(DOCUMENTED_SECRETS, key=len)],
)
def test_production_refuses_a_secret_that_is_none(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    given(monkeypatch, FLASK_ENV="production", SECRET_KEY=secret)

    (said,) = complaints()

    assert said.startswith("SECRET_KEY must be set, secret and at least 32 characters long")


def test_production_takes_a_secret_of_32_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, FLASK_ENV="production", SECRET_KEY=A_SECRET)

    assert type(load_config()) is ProductionConfig


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org", "127.0.0.1.evil"])
def test_a_host_that_others_reach_is_refused_without_accounts(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    given(monkeypatch, EPICODE_HOST=host)
    (said,) = complaints()
    assert said.startswith(f"EPICODE_HOST={host} would let other machines in")

    given(monkeypatch, EPICODE_PUBLISHED_ON_LOOPBACK="1")

    assert host == load_config().EPICODE_HOST


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]"])
def test_this_machines_own_addresses_are_allowed(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    given(monkeypatch, EPICODE_HOST=host)

    assert host == load_config().EPICODE_HOST


def test_the_environment_comes_before_the_env_file_and_an_empty_value_is_none(
    monkeypatch: pytest.MonkeyPatch, newcomer: Path
) -> None:
    (newcomer / ".env").write_text(
        "FLASK_ENV=production\nEPICODE_PORT=9001\nEPICODE_WORKER_SLOTS=7\n"
        f"SECRET_KEY={A_SECRET}\nWEB_CONCURRENCY=3\nSOMETHING_ELSE=1\n"
    )
    given(monkeypatch, EPICODE_PORT="9002", EPICODE_WORKER_SLOTS="", DATABASE_URL="")

    settings = load_config()

    assert type(settings) is ProductionConfig
    assert settings.EPICODE_PORT == 9002
    assert settings.EPICODE_WORKER_SLOTS == 7
    assert settings.WEB_CONCURRENCY == 3
    assert settings.DATABASE_URL == SEED_DATABASE_URL


def test_a_home_that_no_shell_expanded_is_found(
    monkeypatch: pytest.MonkeyPatch, newcomer: Path
) -> None:
    (newcomer / ".env").write_text("EPICODE_MODELS=~/models.json\n")
    given(monkeypatch, EPICODE_DATA="~/here")

    settings = load_config()

    assert Path.home() / "here" == settings.EPICODE_DATA
    assert Path.home() / "models.json" == settings.EPICODE_MODELS


def run_stack(folder: Path) -> None:
    """A run file in which this very process is both databases."""
    folder.mkdir(exist_ok=True)
    me = os.getpid()
    content = {
        "postgres": {"pid": me, "url": "postgresql://epicode:one@/epicode?host=/run/two"},
        "redis": {"pid": me, "url": "redis://:three@127.0.0.1:4/0"},
        "started": {str(me): run_file.start_time(me)},
    }
    run_file.run_file(folder).write_text(json.dumps(content))


def test_a_running_stacks_addresses_are_used_when_none_are_given(newcomer: Path) -> None:
    run_stack(newcomer / "data")

    settings = load_config()

    assert settings.DATABASE_URL == "postgresql://epicode:one@/epicode?host=/run/two"
    assert settings.REDIS_URL == "redis://:three@127.0.0.1:4/0"


def test_an_address_that_is_given_comes_before_a_running_stacks(
    monkeypatch: pytest.MonkeyPatch, newcomer: Path
) -> None:
    run_stack(newcomer / "data")
    given(monkeypatch, DATABASE_URL="postgresql://me@localhost/mine")

    settings = load_config()

    assert settings.DATABASE_URL == "postgresql://me@localhost/mine"
    assert settings.REDIS_URL == "redis://:three@127.0.0.1:4/0"


def test_a_stack_that_has_ended_is_not_used(newcomer: Path) -> None:
    run_stack(newcomer / "data")
    file = run_file.run_file(newcomer / "data")
    file.write_text(file.read_text().replace(str(run_file.start_time(os.getpid())), "long ago"))

    assert load_config().DATABASE_URL == SEED_DATABASE_URL


def test_flask_takes_the_settings_of_an_instance() -> None:
    secret = uuid.uuid4().hex
    app = Flask(__name__)

    app.config.from_object(
        TestingConfig(SECRET_KEY=secret, DATABASE_URL=SEED_DATABASE_URL, REDIS_URL=SEED_REDIS_URL)
    )

    assert app.config["SECRET_KEY"] == secret
    assert app.config["TESTING"] is True
    assert app.config["SQLALCHEMY_DATABASE_URI"].startswith("postgresql+psycopg2://usuario:")
