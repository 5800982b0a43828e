"""A worker process in the test's own, its parts at hand."""

from collections.abc import Iterator

import pytest

from common.config import TestingConfig
from worker.process import WorkerProcess


@pytest.fixture
def process(config: TestingConfig) -> Iterator[WorkerProcess]:
    """A worker process without Celery's consumer, that neither sweeps nor renews meanwhile."""
    quiet = config.model_copy(update={"EPICODE_SWEEP_SECONDS": 600.0, "EPICODE_RENEW_SECONDS": 9.0})
    process = WorkerProcess(quiet, name="worker-1@here", slots=10, queues=["interactive"])
    process.start()
    process.sweep.stop()
    yield process
    process.stop()
