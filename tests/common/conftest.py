"""Databases for the tests of the rules."""

import contextlib
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from common.db import Database
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


class _Undone(Exception):
    """Rolls back."""
