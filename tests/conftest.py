"""What every test may have: throw-away databases, a scripted upstream, the product running."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest
from flask_openapi import OpenAPI
from sqlalchemy import make_url

from common.config import ROOT, TestingConfig
from common.db import Database
from tests.databases import Databases
from tests.scale import Scale, Tally
from tests.stack import Stack
from tests.upstream import Upstream

TALLY = pytest.StashKey[Tally]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--faults",
        action="store_true",
        help="only what has a long form, in its long form, with a table of figures",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLY] = Tally()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--faults"):
        short = [item for item in items if "scale" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=short)
        items[:] = [item for item in items if item not in short]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if config.getoption("--faults") and config.stash[TALLY].outcomes:
        terminalreporter.section("faults")
        for line in config.stash[TALLY].table():
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def scale(pytestconfig: pytest.Config) -> Scale:
    """How much to provoke: little, or with `--faults` much."""
    return Scale(is_long=pytestconfig.getoption("--faults"))


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Tally:
    """Where a fault's outcome is noted for the table at the end."""
    return pytestconfig.stash[TALLY]


def migrated_template(databases: Databases) -> None:
    """Makes `template_epicode`, from which every fresh database is copied: by the migrations."""
    url = databases.create_database("template_epicode")
    environment = os.environ | {
        "FLASK_ENV": "testing",
        "DATABASE_URL": url,
        "REDIS_URL": databases.valkey.url,
    }
    subprocess.run([sys.executable, "manage.py", "migrate"], cwd=ROOT, env=environment, check=True)


def fresh_config(databases: Databases, upstream: Upstream) -> TestingConfig:
    """Settings on a fresh database."""
    url = databases.create_database(f"test_{uuid.uuid4().hex[:12]}", template="template_epicode")
    return TestingConfig(
        FLASK_ENV="testing",
        DATABASE_URL=url,
        REDIS_URL=databases.create_redis(),
        OPENAI_BASE_URL=upstream.url,
        OPENAI_API_KEY="test-key",
        EPICODE_TITLES=False,
    )


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """PostgreSQL with a migrated `template_epicode`, and Valkey."""
    with Databases() as databases:
        migrated_template(databases)
        yield databases


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    with Upstream(models=("gpt-other", "gpt-test", "zz-limited")) as upstream:
        yield upstream


@pytest.fixture(scope="session")
def stack(databases: Databases, upstream: Upstream) -> Iterator[Stack]:
    """The product running, for tests that leave it as it was."""
    with Stack(databases, upstream).start() as stack:
        yield stack


@pytest.fixture
def config(databases: Databases, upstream: Upstream) -> Iterator[TestingConfig]:
    """Settings on a database of the test's own. It goes with the test, and every connection to it:
    a whole run would else be out of PostgreSQL's hundred."""
    config = fresh_config(databases, upstream)
    yield config
    databases.drop_database(str(make_url(config.DATABASE_URL).database))


@pytest.fixture
def database(config: TestingConfig) -> Iterator[Database]:
    database = Database(config.DATABASE_URL, pool_size=5)
    yield database
    database.close()


@pytest.fixture
def app(config: TestingConfig) -> OpenAPI:
    """The web application in this process, for tests that look inside."""
    from web.create_app import create_app

    return create_app(config)
