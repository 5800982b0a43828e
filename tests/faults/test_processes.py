"""Workers and web die, freeze, stop and are replaced while they speak."""

import random
import signal
import threading
import time
from urllib.parse import urlsplit

import httpx
import pytest

from tests.databases import Databases
from tests.faults.trial import Trial
from tests.proxy import Proxy
from tests.scale import Scale, Tally
from tests.stack import Stack, wait_until
from tests.upstream import Upstream


def test_kill_9_of_a_workers_group_over_twenty_slow_replies(
    house: Stack, scale: Scale, tally: Tally
) -> None:
    trial = Trial(house.start(), tally)
    trial.speak(20, seconds=scale.of(1, 10))

    with trial.fault("kill -9 of the only worker's process group, another started"):
        house.worker().kill()
        house.start_worker("worker-2", wait=False)

    trial.ends_well(120)


def test_kill_9_at_random_over_many_replies(house: Stack, scale: Scale, tally: Tally) -> None:
    chance = random.Random(20261122)
    trial = Trial(house.start(2), tally)
    trial.post(scale.of(40, 200), seconds=scale.of(3, 20))

    kills = scale.of(3, 12)
    with trial.fault("kill -9 of a worker at random", kills):
        for number in range(kills):
            time.sleep(chance.uniform(0.2, 1.5))
            victim = chance.choice(
                [name for name, child in house.workers.items() if not child.exit_code]
            )
            house.worker(victim).kill()
            house.start_worker(f"worker-{number + 3}", wait=False)

    # whoever was hit three times has ended with that error, which is no loss
    trial.ends_well(180, failing_with=frozenset({"worker_lost"}))


def test_a_worker_frozen_past_its_lease_is_fenced_when_it_thaws(
    house: Stack, scale: Scale, tally: Tally
) -> None:
    trial = Trial(house.start(), tally)
    trial.speak(5)
    lease = float(house.environment["EPICODE_LEASE_SECONDS"])
    frozen = house.worker()

    with trial.fault("SIGSTOP past the lease with a second worker up, then SIGCONT"):
        frozen.signal(signal.SIGSTOP)
        house.start_worker("worker-2", wait=False)
        wait_until(
            lambda: trial.rows("SELECT count(*) FROM jobs WHERE attempt = 2") == [(5,)],
            what="the second attempts",
            seconds=3 * lease,
        )
        frozen.signal(signal.SIGCONT)

    wait_until(lambda: frozen.log.read_text().count("fence_lost") >= 5, what="the fence in the log")
    trial.ends_well(120)


def test_sigterm_hands_eight_running_replies_to_the_second_worker(
    own_databases: Databases, times: dict[str, str], scale: Scale, tally: Tally
) -> None:
    patience = scale.of(1, 20)
    settings = times | {"EPICODE_HANDOVER_SECONDS": str(patience)}
    with Upstream() as upstream, Stack(own_databases, upstream, settings).start() as house:
        trial = Trial(house, tally)
        trial.speak(8)
        house.start_worker("worker-2")

        with trial.fault("SIGTERM of a worker with eight running, a second one up"):
            exit_code = house.worker().stop(patience + 15)

        assert exit_code == 0
        trial.ends_well(120)
        assert trial.rows("SELECT DISTINCT failures FROM jobs") == [(0,)]
        handed = trial.rows(
            "SELECT count(*) FROM jobs WHERE attempts -> 0 ->> 'outcome' = %s", "handed_over"
        )
        assert handed == [(8,)]


def test_a_rolling_restart_under_load_loses_and_charges_nothing(
    house: Stack, scale: Scale, tally: Tally
) -> None:
    trial = Trial(house.start(2), tally)
    rounds = scale.of(1, 4)
    with trial.fault("rolling restart of web and both workers under load", 3 * rounds):
        for number in range(rounds):
            trial.post(4, seconds=2, turns=2)
            for name in [name for name, child in house.workers.items() if child.exit_code is None]:
                house.start_worker(f"{name}-{number}")
                trial.post(4, seconds=2)
                assert house.worker(name).stop(40) == 0
            assert house.web is not None
            assert house.web.stop(40) == 0
            house.start_web()

    trial.ends_well(120)
    assert trial.rows("SELECT DISTINCT failures FROM jobs") == [(0,)]


def test_a_web_killed_between_commit_and_doorbell(house: Stack, scale: Scale, tally: Tally) -> None:
    redis_url = house.environment["REDIS_URL"]
    port = urlsplit(redis_url).port
    assert port is not None
    repeats = scale.of(1, 5)
    with Proxy(("127.0.0.1", port)) as between:
        there = redis_url.replace(f":{port}", f":{between.port}")
        house.start_web(REDIS_URL=there)
        house.start_worker("worker-1")
        trial = Trial(house, tally)
        for _ in range(repeats):
            trial.speak(1, held=False)
            with trial.fault("kill -9 of web between commit and doorbell"), between.blackhole():
                _kill_web_after_its_commit(trial)
            house.start_web(REDIS_URL=there)
        trial.ends_well()
        wait_until(
            lambda: not trial.rows("SELECT 1 FROM jobs WHERE finished_at IS NULL"),
            what="the replies that nobody was rung for",
            seconds=40,
        )
    assert trial.rows("SELECT count(*) FROM jobs WHERE kind = 'ask' AND status = 'completed'") == [
        (repeats,)
    ]


def _kill_web_after_its_commit(trial: Trial) -> None:
    ((before,),) = trial.rows("SELECT count(*) FROM jobs")
    posting = _post_in_background(trial.stack)
    # committed, and its doorbell waits for a Redis that says nothing
    wait_until(
        lambda: trial.rows("SELECT count(*) FROM jobs") == [(before + 1,)], what="the commit"
    )
    assert trial.stack.web is not None
    trial.stack.web.kill()
    posting.join()
    assert trial.rows("SELECT status FROM jobs ORDER BY id DESC LIMIT 1") == [("queued",)]


def _post_in_background(stack: Stack) -> threading.Thread:
    def post() -> None:
        with stack.client() as client, pytest.raises(httpx.TransportError):
            client.post("/api/ask", json={"content": "heard by nobody"})

    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    return thread
