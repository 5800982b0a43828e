"""Redis stops, restarts, freezes, forgets, drops its clients and fills up: replies go on."""

import time
from collections.abc import Callable, Iterator

import pytest
import redis

from tests.databases import Databases
from tests.faults.trial import Trial
from tests.scale import Scale, Tally
from tests.stack import Stack
from tests.upstream import Upstream

# DESIGN.md, section 4: what a post may take whatever Redis does
POST_SECONDS = 3


@pytest.fixture(scope="module")
def steady(own_databases: Databases, times: dict[str, str]) -> Iterator[Stack]:
    """One stack for all of them: what a fault leaves behind meets the next one."""
    with Upstream() as upstream, Stack(own_databases, upstream, times).start(2) as stack:
        yield stack


def admin(stack: Stack) -> "redis.Redis":
    return redis.Redis.from_url(stack.environment["REDIS_URL"], socket_timeout=30)


def stopped(stack: Stack, seconds: float, meanwhile: Callable[[], None]) -> None:
    stack.databases.valkey.stop()
    meanwhile()
    time.sleep(seconds)
    stack.databases.valkey.start()


def killed(stack: Stack, seconds: float, meanwhile: Callable[[], None]) -> None:
    stack.databases.valkey.kill()
    meanwhile()
    time.sleep(seconds)
    stack.databases.valkey.start()


def paused(stack: Stack, seconds: float, meanwhile: Callable[[], None]) -> None:
    admin(stack).execute_command("CLIENT", "PAUSE", int(seconds * 1000), "ALL")
    ends_at = time.monotonic() + seconds
    meanwhile()
    time.sleep(max(0.0, ends_at - time.monotonic()))


def without_clients(stack: Stack, seconds: float, meanwhile: Callable[[], None]) -> None:
    ends_at = time.monotonic() + seconds
    meanwhile()
    while time.monotonic() < ends_at:
        for kind in ("normal", "pubsub"):
            admin(stack).execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        time.sleep(0.2)


def full(stack: Stack, seconds: float, meanwhile: Callable[[], None]) -> None:
    redis_server = admin(stack)
    redis_server.config_set("maxmemory", "1")
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        redis_server.set("probe", "x")
    meanwhile()
    time.sleep(seconds)
    redis_server.config_set("maxmemory", "0")


@pytest.mark.parametrize(
    ("name", "provoke", "quick", "long"),
    [
        ("Redis stopped and started, its data gone", stopped, 2, 20),
        ("Redis killed and started", killed, 0.5, 5),
        ("CLIENT PAUSE", paused, 3, 15),
        ("CLIENT KILL of every client, again and again", without_clients, 2, 10),
        ("Redis' memory full", full, 2, 20),
    ],
)
def test_replies_go_on_while_redis_is(
    steady: Stack,
    scale: Scale,
    tally: Tally,
    name: str,
    provoke: Callable[[Stack, float, Callable[[], None]], None],
    quick: float,
    long: float,
) -> None:
    trial = Trial(steady, tally)
    trial.speak(scale.of(6, 20), seconds=scale.of(2, 20))

    with trial.fault(name):
        provoke(steady, scale.of(quick, long), lambda: trial.post(3))

    trial.ends_well(120)
    assert trial.slowest_post < POST_SECONDS
    # Redis is no reason to say anything again
    assert trial.rows("SELECT DISTINCT failures FROM jobs") == [(0,)]


def test_flushall_with_a_hundred_queued_forgets_nobody(
    own_databases: Databases, times: dict[str, str], scale: Scale, tally: Tally
) -> None:
    settings = times | {"EPICODE_WORKER_SLOTS": "9"}
    with Upstream() as upstream, Stack(own_databases, upstream, settings).start() as stack:
        trial = Trial(stack, tally)
        trial.speak(8)  # all slots but the reserve
        trial.post(100, seconds=scale.of(0.2, 2))
        assert trial.rows("SELECT count(*) FROM jobs WHERE status = 'queued'") == [(100,)]

        with trial.fault("FLUSHALL with 100 queued"):
            admin(stack).flushall()

        trial.ends_well(180)
