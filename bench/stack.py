"""The product as the bench runs it: the parts of `./epicode up` in a folder that is thrown away.

PostgreSQL and Valkey as durable as in use, gunicorn with two processes, one worker process.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from bench.upstream import MODEL
from common.access import create_api_key, create_user
from common.db import Database
from deploy.local.postgres import Postgres
from deploy.local.processes import Process, Program
from deploy.local.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60


class Stack:
    """A context manager; `url`, `upstream` (without /v1) and `pids` hold while it is open."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="epicode-bench-"))
        self.url = f"http://127.0.0.1:{_free_port()}"
        self.upstream = f"http://127.0.0.1:{_free_port()}"
        self._running: list[Process] = []
        self.pids: dict[str, int] = {}

    def __enter__(self) -> Stack:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def create_keys(self, count: int) -> list[str]:
        """An API key each for so many new users."""
        database = Database(self._settings["DATABASE_URL"], pool_size=1)
        with database.transaction() as session:
            keys = [
                create_api_key(session, create_user(session, f"bench-{index}"), "bench")
                for index in range(count)
            ]
        database.close()
        return keys

    def _start(self) -> None:
        packages = Path(sysconfig.get_path("purelib"))
        postgres, valkey = Postgres(self.folder, packages), Valkey(self.folder, packages)
        for name, server in (("postgres", postgres), ("valkey", valkey)):
            server.prepare()
            self._run(name, server.program, server.is_ready)
        self._settings = {
            **{key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
            "FLASK_ENV": "production",
            "SECRET_KEY": secrets.token_hex(32),
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "OPENAI_BASE_URL": self.upstream + "/v1",
            "OPENAI_API_KEY": "bench",
            "EPICODE_DEFAULT_MODEL": MODEL,
            "EPICODE_DATA": str(self.folder),
            "EPICODE_PORT": self.url.rpartition(":")[2],
            "WEB_CONCURRENCY": "2",
            "PYTHONUNBUFFERED": "1",
        }
        port = self.upstream.rpartition(":")[2]
        self._python("upstream", "-m", "bench.upstream", "--port", port)
        self._once("manage.py", "migrate")
        self._python("web", "-m", "gunicorn", "-c", "gunicorn_conf.py", "wsgi:app")
        worker = ("-m", "celery", "-A", "worker.app", "worker", "-n", "worker-1@%h")
        self._python("worker", *worker)
        try:
            _wait_until(lambda: _answers(self.url + "/health/ready"), "the stack isn't ready")
        except SystemExit as complaint:
            tails = "\n".join(f"{name}: {self._log_tail(name)}" for name in ("web", "worker"))
            raise SystemExit(f"{complaint}\n{tails}") from None

    def _stop(self) -> None:
        for process in reversed(self._running):
            process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _python(self, name: str, *arguments: str) -> None:
        command = (sys.executable, *arguments)
        self._run(name, Program(name, command, ROOT, self._settings, patience=40.0), None)

    def _run(self, name: str, program: Program, is_ready: Callable[[], bool] | None) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = Process(program, log)
        self._running.append(process)
        self.pids[name] = process.pid
        if is_ready is not None:
            _wait_until(is_ready, f"{name} isn't ready")

    def _once(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self._settings,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(arguments)}: {done.stderr[-2000:]}")
        return done.stdout

    def _log_tail(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _wait_until(is_so: Callable[[], bool], complaint: str) -> None:
    limit = time.monotonic() + START_SECONDS
    while not is_so():
        if time.monotonic() > limit:
            raise SystemExit(f"{complaint} after {START_SECONDS} s")
        time.sleep(0.05)
