"""Servers of these tests' own: they are killed, flushed, paused and filled."""

from collections.abc import Iterator

import pytest

from tests.conftest import migrated_template
from tests.databases import Databases


@pytest.fixture(scope="module")
def own_databases() -> Iterator[Databases]:
    with Databases() as databases:
        migrated_template(databases)
        yield databases
