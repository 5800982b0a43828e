"""What a worker loads, when, and by which command."""

import gc
import json
import subprocess
import sys
import threading

import pytest

from common import tokens
from common.config import ROOT, TestingConfig
from tests.databases import Databases
from tests.reader import ask
from tests.stack import Stack
from tests.upstream import Upstream, reply
from worker.process import WorkerProcess

# As worker/__main__.py does, but ending where the worker would begin.
LOADED = """
import json, sys
sys.argv = ["worker", "--help"]
{start}
print("\\n" + json.dumps(sorted(sys.modules)))
"""
BY_ITSELF = """
import runpy
try:
    runpy.run_module("worker", run_name="__main__")
except SystemExit:
    pass
"""
BY_CELERY = "import celery.bin.celery, worker.app"


def loaded(config: TestingConfig, start: str) -> set[str]:
    """The modules of a fresh process after this start."""
    settings = {"DATABASE_URL": config.DATABASE_URL, "REDIS_URL": config.REDIS_URL}
    ran = subprocess.run(
        [sys.executable, "-c", LOADED.format(start=start)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "FLASK_ENV": "testing"} | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_a_worker_started_by_itself_loads_neither_flower_nor_a_shell(config: TestingConfig) -> None:
    assert {"flower", "prompt_toolkit"} <= loaded(config, BY_CELERY)  # that's what it is about

    modules = loaded(config, BY_ITSELF)

    assert "worker.app" in modules
    assert not {"flower", "tornado", "prompt_toolkit", "celery.bin.celery"} & modules


@pytest.mark.parametrize("start", [BY_ITSELF, BY_CELERY])
def test_what_the_api_can_say_is_loaded_only_when_wanted(config: TestingConfig, start: str) -> None:
    modules = loaded(config, start)

    assert {"openai", "openai.types", "openai.types.responses"} <= modules
    # of more than 450
    assert sum(name.startswith("openai.types.") for name in modules) < 100
    assert "openai.types.responses.response" not in modules


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
