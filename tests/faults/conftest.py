"""Servers of these tests' own, killed, flushed, paused and filled; and the times they run with."""

from collections.abc import Iterator

import pytest

from tests.conftest import migrated_template
from tests.databases import Databases
from tests.scale import Scale
from tests.stack import Stack
from tests.upstream import Upstream

# The long form runs with the times of production: its recoveries are the real ones.
REAL_TIMES = {
    "EPICODE_LEASE_SECONDS": "30",
    "EPICODE_RENEW_SECONDS": "5",
    "EPICODE_SWEEP_SECONDS": "5",
    "EPICODE_RING_SECONDS": "30",
    "EPICODE_BACKOFF_SECONDS": "1",
}


@pytest.fixture(scope="module")
def own_databases() -> Iterator[Databases]:
    with Databases() as databases:
        migrated_template(databases)
        yield databases


@pytest.fixture(scope="session")
def times(scale: Scale) -> dict[str, str]:
    """Settings of a stack: hurried ones in the quick form, production's in the long one."""
    return REAL_TIMES if scale.is_long else {}


@pytest.fixture
def house(own_databases: Databases, times: dict[str, str]) -> Iterator[Stack]:
    """A stack of which nothing runs yet."""
    with Upstream() as upstream, Stack(own_databases, upstream, times) as stack:
        yield stack
