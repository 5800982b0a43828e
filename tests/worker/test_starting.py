"""How a worker starts: by which command, and what waits until it is ready."""

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from common import memory, tokens
from common.config import ROOT
from tests.databases import Databases
from tests.reader import ask
from tests.stack import Stack
from tests.upstream import Upstream, reply
from worker.niceness import NICENESS
from worker.process import WorkerProcess

OWN_AUTOGROUP = Path("/proc/self/autogroup")
weighed = pytest.mark.skipif(
    not OWN_AUTOGROUP.exists() or not OWN_AUTOGROUP.read_text(),
    reason="this kernel doesn't weigh sessions",
)


def test_a_worker_started_by_celery_answers_too(databases: Databases) -> None:
    command = ["celery", "-A", "worker.app", "worker"]
    with Upstream() as upstream, Stack(databases, upstream) as stack:
        upstream.script("[[celery]]", reply("Por la otra puerta."))
        stack.start_web()
        stack.start_worker("by-hand", command=command)
        with stack.client() as alice:
            reader = ask(alice, "[[celery]]")
            assert reader.read_to_end()["status"] == "completed"

        assert reader.text == "Por la otra puerta."
        assert stack.worker("by-hand").stop() == 0


def test_a_worker_settles_once_however_often_its_connection_comes_back(
    process: WorkerProcess,
) -> None:
    with tokens._LOADING:  # so that settling takes as long as this looks
        process.settle()
        process.settle()
        settling = [thread for thread in threading.enumerate() if thread.name == "settle"]

    (thread,) = settling
    thread.join(20)
    assert not thread.is_alive()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == memory.COLLECTED_AFTER


@pytest.mark.skipif(sys.platform != "linux", reason="a policy of Linux")
def test_all_threads_of_a_worker_give_way_to_whoever_shows_a_page(stack: Stack) -> None:
    with stack.client() as alice:
        assert ask(alice, "hola").read_to_end()["status"] == "completed"

    threads = [int(task.name) for task in Path(f"/proc/{stack.worker().pid}/task").iterdir()]

    assert len(threads) > 5
    assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_BATCH}
    assert {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads} == {NICENESS}


@weighed
def test_a_worker_with_a_session_of_its_own_gives_way_as_a_whole(stack: Stack) -> None:
    mine, workers = OWN_AUTOGROUP, Path(f"/proc/{stack.worker().pid}/autogroup")

    assert workers.read_text().endswith(f" nice {NICENESS}\n")
    assert mine.read_text().split()[0] != workers.read_text().split()[0]


@weighed
def test_a_worker_in_somebody_elses_session_leaves_that_as_it_is() -> None:
    step_back = "from worker.niceness import step_back; step_back()"
    before = OWN_AUTOGROUP.read_text()

    subprocess.run([sys.executable, "-c", step_back], cwd=ROOT, check=True)

    assert OWN_AUTOGROUP.read_text() == before
