"""PostgreSQL stops in the middle of everything: what was accepted is there, and goes on."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.databases import Databases, Server
from tests.faults.trial import Trial
from tests.scale import Scale, Tally
from tests.stack import Stack
from tests.upstream import Upstream


@pytest.fixture(scope="module")
def steady(own_databases: Databases, times: dict[str, str]) -> Iterator[Stack]:
    """One stack for all of them: what a fault leaves behind meets the next one."""
    with Upstream() as upstream, Stack(own_databases, upstream, times).start(2) as stack:
        yield stack


@pytest.mark.parametrize(
    ("name", "end", "quick", "long"),
    [
        ("PostgreSQL restarted with -m immediate", Server.quit, 0.0, 0.0),
        ("PostgreSQL killed and started", Server.kill, 0.5, 5.0),
        ("PostgreSQL away, then back", Server.stop, 2.0, 20.0),
    ],
)
def test_ten_running_replies_outlive(
    steady: Stack,
    scale: Scale,
    tally: Tally,
    name: str,
    end: Callable[[Server], int],
    quick: float,
    long: float,
) -> None:
    trial = Trial(steady, tally)
    trial.speak(10, seconds=scale.of(1, 20))

    with trial.fault(name):
        end(steady.databases.postgres)
        time.sleep(scale.of(quick, long))
        steady.databases.postgres.start()

    trial.ends_well(120)
    assert trial.rows("SELECT count(*) FROM jobs WHERE failures > 0") == [(0,)]


def test_without_postgresql_nothing_is_accepted_and_nothing_half_written(
    steady: Stack, tally: Tally
) -> None:
    trial = Trial(steady, tally)
    before = trial.rows("SELECT count(*) FROM messages")

    with trial.fault("posts while PostgreSQL is away", 10):
        steady.databases.postgres.stop()
        with steady.client() as client:
            refused = [client.post("/api/ask", json={"content": "heard?"}) for _ in range(10)]
        steady.databases.postgres.start()

    assert {answer.status_code for answer in refused} == {503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert {answer.json()["code"] for answer in refused} == {"database_unavailable"}
    assert trial.rows("SELECT count(*) FROM messages") == before
    trial.ends_well()
