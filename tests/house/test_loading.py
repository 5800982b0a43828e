"""What each process loads: each package that nobody there uses is memory of everybody's machine."""

import json
import subprocess
import sys

import pytest

from common.config import ROOT, TestingConfig

# As worker/__main__.py does, but ending where the worker would begin.
BEGIN = """
import json, sys
sys.argv = ["worker", "--help"]
"""
END = """
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
        [sys.executable, "-c", BEGIN + start + END],
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
    assert not {"redis.asyncio.client", "redis.asyncio.cluster"} & modules


@pytest.mark.parametrize("start", [BY_ITSELF, BY_CELERY])
def test_what_the_api_can_say_is_loaded_only_when_wanted(config: TestingConfig, start: str) -> None:
    modules = loaded(config, start)

    assert {"openai", "openai.types", "openai.types.responses"} <= modules
    # of more than 450
    assert sum(name.startswith("openai.types.") for name in modules) < 100
    assert "openai.types.responses.response" not in modules


FLOWER = """
import runpy
import celery_conf
try:
    runpy.run_module("deploy.flower", run_name="__main__")
except SystemExit:
    pass
"""


def test_the_launchers_flower_loads_neither_the_database_nor_a_shell(config: TestingConfig) -> None:
    modules = loaded(config, FLOWER)

    assert {"flower.command", "common.queue", "common.config"} <= modules
    assert not {"prompt_toolkit", "celery.bin.celery", "sqlalchemy", "flask"} & modules


WEB = """
from types import SimpleNamespace
import gunicorn_conf, web.patient_worker, wsgi
gunicorn_conf.on_starting(SimpleNamespace(app=SimpleNamespace(wsgi=lambda: wsgi.app)))
"""
FIRST_REQUESTS = """
from common import workers
from common.db import Database
with Database(gunicorn_conf._config.DATABASE_URL, pool_size=1).transaction() as session:
    # so that a doorbell is sent
    workers.report(session, name="w@here", pid=1, slots=4, busy=0, queues=["interactive"])
alice = wsgi.app.test_client()
before = set(sys.modules)
answers = [alice.get("/"), alice.post("/api/ask", json={"content": "hola"})]
assert [answer.status_code for answer in answers] == [200, 202]
sys.modules = {name: None for name in set(sys.modules) - before}
"""


def test_the_web_loads_nothing_that_only_a_migration_needs(config: TestingConfig) -> None:
    modules = loaded(config, WEB)

    assert "web.create_app" in modules
    assert not {"alembic", "mako", "celery.bin", "openai"} & modules


def test_what_the_first_requests_need_is_loaded_before_the_processes_part(
    config: TestingConfig,
) -> None:
    late = loaded(config, WEB + FIRST_REQUESTS)

    assert late <= {"encodings.idna", "stringprep"}  # Python's own, for the host's name
