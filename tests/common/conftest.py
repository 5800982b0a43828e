"""Databases for the tests of the rules."""

import contextlib
import uuid
from collections.abc import Iterator

import pytest
import redis
from sqlalchemy.orm import Session

from common.db import Database, new_id
from common.live_log import LiveLog
from tests.common.live_rows import ALICE, SHOWN
from tests.databases import Databases


@pytest.fixture(scope="module")
def shared_database(databases: Databases) -> Iterator[Database]:
    """One database for a whole file, whose tests each make rows of their own."""
    name = f"shared_{uuid.uuid4().hex[:12]}"
    url = databases.create_database(name, template="template_epicode")
    database = Database(url, pool_size=5)
    yield database
    database.close()
    databases.drop_database(name)


@pytest.fixture
def session(shared_database: Database) -> Iterator[Session]:
    """A transaction on the file's database that is undone at the end, so that nothing stays."""
    with contextlib.suppress(_Undone), shared_database.transaction() as session:
        yield session
        raise _Undone


@pytest.fixture(scope="module")
def url(databases: Databases) -> str:
    """A keyspace of its own, to be emptied at will."""
    return databases.create_redis()


@pytest.fixture(scope="module")
def valkey(url: str) -> Iterator["redis.Redis"]:
    """A look inside."""
    client = redis.Redis.from_url(url)
    yield client
    client.close()


@pytest.fixture(scope="module")
def live_log(url: str) -> Iterator[LiveLog]:
    live_log = LiveLog.connect(url)
    yield live_log
    live_log.close()


@pytest.fixture
def job(live_log: LiveLog) -> uuid.UUID:
    """A running job in its first attempt, Alice's."""
    job = new_id()
    live_log.show([(job, 1, ALICE, SHOWN)])
    return job


class _Undone(Exception):
    """Rolls back."""
