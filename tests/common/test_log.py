"""Logs by environment: lines for people, JSON for machines, warnings only under test."""

import json
import os
import subprocess
import sys

import pytest

from common.config import ROOT, SEED_DATABASE_URL, SEED_REDIS_URL, BaseConfig

SAY = """
import logging, structlog
from common.config import load_config
from common.log import set_up_logs
set_up_logs(load_config())
structlog.get_logger("worker").info("job_claimed", job_id="01a2", attempt=1)
logging.getLogger("elsewhere").info("plain %s", "línea")
logging.getLogger("httpx2").info("POST https://api/v1?key=sk-secret")
logging.getLogger("celery.app.trace").info("Task epicode.run_job succeeded")
structlog.get_logger("worker").warning("fence_lost")
"""


def said(environment: str, **settings: str) -> list[str]:
    """What a process of that environment writes."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    assert not set(settings) - set(BaseConfig.model_fields)
    given = {
        "FLASK_ENV": environment,
        "SECRET_KEY": "0123456789abcdef0123456789abcdef",
        "DATABASE_URL": SEED_DATABASE_URL,
        "REDIS_URL": SEED_REDIS_URL,
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        [sys.executable, "-c", SAY],
        cwd=ROOT,
        env=kept | given | settings,
        capture_output=True,
        encoding="utf-8",
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (0, "")
    return done.stderr.splitlines()


def test_production_writes_an_event_a_line_as_json() -> None:
    events = [json.loads(line) for line in said("production")]

    assert [event["event"] for event in events] == ["job_claimed", "plain línea", "fence_lost"]
    assert (events[0]["job_id"], events[0]["attempt"]) == ("01a2", 1)
    assert all({"timestamp", "level", "logger"} <= set(event) for event in events)


@pytest.mark.parametrize(("environment", "format_"), [("development", ""), ("production", "text")])
def test_people_read_lines(environment: str, format_: str) -> None:
    lines = said(environment, EPICODE_LOG_FORMAT=format_)

    assert len(lines) == 3
    assert "job_claimed" in lines[0]
    assert not lines[0].startswith("{")


def test_under_test_only_warnings_are_said() -> None:
    (line,) = said("testing")

    assert "fence_lost" in line
