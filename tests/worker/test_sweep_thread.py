"""The sweeping thread: at once, at its pace, when a wait is over, whatever the database does."""

import threading

import pytest

from common.config import BaseConfig
from common.db import Database
from common.live_log import LiveLog
from worker.sweep import Sweep

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def live_log() -> LiveLog:
    """None is there, and none is needed."""
    return LiveLog.connect(f"redis://{NOWHERE}/0")


def test_it_sweeps_at_once_and_rings_when_a_wait_is_over(
    database: Database, live_log: LiveLog, config: BaseConfig
) -> None:
    rung = threading.Semaphore(0)
    slow = config.model_copy(update={"EPICODE_SWEEP_SECONDS": 600.0})
    sweep = Sweep(database, live_log, rung.release, slow)

    sweep.start()
    try:
        assert rung.acquire(timeout=10)
        sweep.ring_in(0.05)
        assert rung.acquire(timeout=10)
        assert not rung.acquire(timeout=0.2)
    finally:
        sweep.stop()


def test_it_outlives_a_database_that_is_away(live_log: LiveLog, config: BaseConfig) -> None:
    away = Database(f"postgresql://nobody@{NOWHERE}/none", pool_size=1)
    quick = config.model_copy(update={"EPICODE_SWEEP_SECONDS": 0.02})
    rung, tried = threading.Semaphore(0), threading.Semaphore(0)
    sweep = Sweep(away, live_log, rung.release, quick)
    rescue = sweep._rescue_lost

    def count_and_rescue() -> None:
        tried.release()
        rescue()

    sweep._rescue_lost = count_and_rescue  # type: ignore[method-assign]

    sweep.start()
    try:
        assert all(tried.acquire(timeout=10) for _ in range(3))
        assert not rung.acquire(blocking=False)
    finally:
        sweep.stop()
        away.close()


def test_it_outlives_a_defect_of_its_own(
    database: Database, live_log: LiveLog, config: BaseConfig
) -> None:
    quick = config.model_copy(update={"EPICODE_SWEEP_SECONDS": 0.02})
    tried = threading.Semaphore(0)

    def ring() -> None:
        tried.release()
        raise ZeroDivisionError

    sweep = Sweep(database, live_log, ring, quick)

    sweep.start()
    try:
        assert all(tried.acquire(timeout=10) for _ in range(3))
    finally:
        sweep.stop()
