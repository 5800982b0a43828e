"""How a worker starts: by which command, and what waits until it is ready."""

import gc
import threading

from common import tokens
from tests.databases import Databases
from tests.reader import ask
from tests.stack import Stack
from tests.upstream import Upstream, reply
from worker.process import WorkerProcess


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
