"""The operator's commands, and the files that gunicorn and Celery load."""

import runpy
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import select, text

from common.access import KEY_PREFIX
from common.config import ROOT, TestingConfig
from common.db import Database
from common.models import User
from tests.databases import Databases
from tests.house.commands import environment, run
from web.create_app import create_app
from web.metrics_folder import FOLDER_VARIABLE, remove_own_folder


def test_migrate_does_nothing_to_data_that_are_up_to_date(config: TestingConfig) -> None:
    done = run(config, "manage.py", "migrate")

    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_data_of_a_newer_version_are_refused_in_one_line(
    config: TestingConfig, database: Database
) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '2030_01_01_newer'"))

    refused = run(config, "manage.py", "migrate")

    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert "the data are of a newer version (2030_01_01_newer)" in line
    with database.transaction() as session:
        kept = session.scalar(text("SELECT version_num FROM alembic_version"))
        assert kept == "2030_01_01_newer"


def test_create_user_prints_one_key_that_works(config: TestingConfig, database: Database) -> None:
    made = run(config, "manage.py", "create-user", "alice")
    again = run(config, "manage.py", "create-user", "alice")

    assert (made.returncode, again.returncode) == (0, 0), made.stderr + again.stderr
    keys = {*made.stdout.splitlines(), *again.stdout.splitlines()}
    assert len(keys) == 2
    with database.transaction() as session:
        alice = session.scalars(select(User).where(User.email == "alice")).one()
    client = create_app(config).test_client()
    for key in keys:
        assert key.startswith(KEY_PREFIX)
        answer = client.post(
            "/api/conversations",
            json={},
            headers={"Authorization": f"Bearer {key}", "Host": "127.0.0.1:8000"},
        )
        assert answer.status_code == 201, answer.text
    with database.transaction() as session:
        owners = set(session.scalars(text("SELECT user_id FROM conversations")))
    assert owners == {alice.id}


@pytest.mark.parametrize("command", ["migrate", "create-user bob", "serve"])
def test_a_database_that_is_away_is_one_line(config: TestingConfig, command: str) -> None:
    url = "postgresql://nobody:hidden@127.0.0.1:1/none"

    failed = run(config, "manage.py", *command.split(), DATABASE_URL=url)

    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("EpiCode: PostgreSQL can't be reached (")
    assert line.endswith("start ./epicode up, or set DATABASE_URL")
    assert "hidden" not in line


WRONG = {"EPICODE_PORT": "eighty", "EPICODE_LEASE_SECONDS": "1"}


@pytest.mark.parametrize(
    "command",
    [
        "manage.py migrate",
        "manage.py",
        "-m flask db upgrade",
        "-m gunicorn -c gunicorn_conf.py wsgi:app",
        "-m celery -A worker.app worker",
        "-m worker",
    ],
)
def test_wrong_settings_stop_every_start_with_their_sentences(
    config: TestingConfig, command: str
) -> None:
    stopped = run(config, *command.split(), **WRONG)

    assert stopped.returncode != 0
    assert "Traceback" not in stopped.stderr
    lines = [line for line in stopped.stderr.splitlines() if line.strip()]
    assert lines[0].startswith("EpiCode: EPICODE_PORT")
    assert lines[1].startswith("EPICODE_LEASE_SECONDS")
    assert len(lines) == 2


def test_a_worker_that_can_not_start_ends_and_takes_no_doorbell(
    config: TestingConfig, databases: Databases
) -> None:
    empty = databases.create_database(f"empty_{uuid.uuid4().hex[:8]}")

    stopped = run(config, *["-m", "celery", "-A", "worker.app", "worker"], DATABASE_URL=empty)

    assert stopped.returncode == 1
    last = stopped.stderr.strip().splitlines()[-1]
    assert last.startswith('EpiCode: the worker could not start (relation "workers" does not exist')


def test_celerys_settings_load_and_keep_the_houses_rules(
    config: TestingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(config, EPICODE_WORKER_SLOTS="17").items():
        monkeypatch.setenv(name, value)

    settings = runpy.run_path(str(ROOT / "celery_conf.py"))

    assert settings["broker_url"] == config.REDIS_URL
    assert (settings["worker_pool"], settings["worker_concurrency"]) == ("threads", 17)
    assert [queue.name for queue in settings["task_queues"]] == ["interactive", "background"]
    assert settings["accept_content"] == ["json"]
    # the row decides: no result backend, no redelivery but the lease's, no reserving
    assert "result_backend" not in settings
    assert settings["task_ignore_result"] is True
    assert settings["task_acks_late"] is False
    assert settings["worker_disable_prefetch"] is True
    assert settings["broker_connection_max_retries"] is None


@pytest.fixture
def no_metrics_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Loading gunicorn's settings names one for the whole process: afterwards there is none."""
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    yield
    remove_own_folder()


@pytest.mark.usefixtures("no_metrics_folder")
def test_gunicorns_settings_load_with_the_seeds_lines(
    config: TestingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(config, EPICODE_PORT="8123").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    monkeypatch.setattr("multiprocessing.cpu_count", lambda: 6)

    by_hand = runpy.run_path(str(ROOT / "gunicorn_conf.py"))
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    told = runpy.run_path(str(ROOT / "gunicorn_conf.py"))

    assert by_hand["bind"] == "127.0.0.1:8123"
    assert (by_hand["workers"], told["workers"]) == (13, 2)
    assert (by_hand["worker_class"], by_hand["threads"]) == (
        "web.patient_worker.PatientWorker",
        8,
    )
    assert (by_hand["forwarded_allow_ips"], by_hand["secure_scheme_headers"]) == ("", {})
    assert (by_hand["timeout"], by_hand["preload_app"]) == (30, True)


@pytest.mark.usefixtures("no_metrics_folder")
def test_gunicorn_binds_an_ipv6_loopback(
    config: TestingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gunicorn.util import parse_address

    for name, value in environment(config, EPICODE_HOST="::1", EPICODE_PORT="8123").items():
        monkeypatch.setenv(name, value)

    settings = runpy.run_path(str(ROOT / "gunicorn_conf.py"))

    assert parse_address(settings["bind"]) == ("::1", 8123)
