"""The product as the bench runs it: the parts of `./epicode up` in a folder that is thrown away.

PostgreSQL and Valkey as durable as in use, gunicorn with two processes, one worker process, and
the bench's upstream.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from bench.upstream import MODEL
from common.access import create_api_key, create_user
from common.db import Database
from deploy.local.postgres import Postgres
from deploy.local.processes import Process, Program
from deploy.local.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
# The last eighth is kept for other users: a thousand replies of one user need more than a thousand.
SLOTS = 1200


class Stack:
    """A context manager; `url`, `upstream` (without /v1) and `pids` hold while it is open.

    `settings` are environment variables over the bench's own, for web and workers.
    """

    def __init__(self, settings: Mapping[str, str] | None = None, *, workers: int = 1) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="epicode-bench-"))
        self.url = f"http://127.0.0.1:{free_port()}"
        self.upstream = f"http://127.0.0.1:{free_port()}"
        self.pids: dict[str, int] = {}
        self._running: dict[str, Process] = {}
        self._given = dict(settings or {})
        self._workers = workers

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()
        self._stop()

    @property
    def redis_url(self) -> str:
        return self._settings["REDIS_URL"]

    def create_keys(self, count: int) -> list[str]:
        """An API key each for so many new users."""
        with self.database.transaction() as session:
            return [
                create_api_key(session, create_user(session, secrets.token_hex(8)), "bench")
                for _ in range(count)
            ]

    def restart_worker(self) -> None:
        """The first worker anew, as if it had never worked."""
        self._running.pop("worker").stop()
        self._start_worker("worker")
        self._wait_for_workers()

    @property
    def crew(self) -> int:
        """How many workers run."""
        return self._workers

    def answers(self, url: str) -> bool:
        """Whether a web at that address serves."""
        return _json(url + "/health") is not None

    def _start(self) -> None:
        packages = Path(sysconfig.get_path("purelib"))
        postgres, valkey = Postgres(self.folder, packages), Valkey(self.folder, packages)
        postgres.prepare()
        self._run(postgres.program, postgres.is_ready)
        valkey.prepare()
        self._run(valkey.program, valkey.is_ready)
        self.database = Database(postgres.url, pool_size=2)
        self._settings = {
            **{key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
            "FLASK_ENV": "production",
            "SECRET_KEY": secrets.token_hex(32),
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "OPENAI_BASE_URL": self.upstream + "/v1",
            "OPENAI_API_KEY": "bench",
            "EPICODE_DEFAULT_MODEL": MODEL,
            "EPICODE_TITLES": "0",  # a reply's cost is measured, not that of its title
            "EPICODE_DATA": str(self.folder),
            "EPICODE_PORT": self.url.rpartition(":")[2],
            "EPICODE_WORKER_SLOTS": str(SLOTS),
            "WEB_CONCURRENCY": "2",
            "PYTHONUNBUFFERED": "1",
            **self._given,
        }
        port = self.upstream.rpartition(":")[2]
        self._python("upstream", "-m", "bench.upstream", "--port", port)
        self._migrate()
        self._python("web", "-m", "gunicorn", "-c", "gunicorn_conf.py", "wsgi:app")
        for number in range(1, self._workers + 1):
            self._start_worker("worker" if number == 1 else f"worker-{number}")
        self._wait_for_workers()

    def _stop(self) -> None:
        for name, process in reversed(self._running.items()):
            if name not in ("postgres", "valkey"):
                process.kill()  # what it does is thrown away, and a hand-over takes 20 s
            process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_worker(self, name: str) -> None:
        self._python(name, "-m", "worker", "-n", f"{name}@%h")

    def _wait_for_workers(self) -> None:
        def ready() -> bool:
            told = _json(self.url + "/health/ready")
            return told is not None and told["workers"] >= self._workers

        try:
            wait_until(ready, "the stack isn't ready")
        except SystemExit as complaint:
            tails = "\n".join(f"{name}: {self._log_tail(name)}" for name in ("web", "worker"))
            raise SystemExit(f"{complaint}\n{tails}") from None

    def _migrate(self) -> None:
        name = "migrate"
        self._python(name, "manage.py", "migrate")
        done = self._running.pop(name)
        del self.pids[name]
        if not done.wait(START_SECONDS) or done.exit_code() != 0:
            raise SystemExit(f"no tables: {self._log_tail(name)}")

    def _python(self, name: str, *arguments: str) -> None:
        command = (sys.executable, *arguments)
        self._run(Program(name, command, ROOT, self._settings, patience=40.0))

    def _run(self, program: Program, is_ready: Callable[[], bool] | None = None) -> None:
        with (self.folder / f"{program.name}.log").open("ab") as log:
            process = Process(program, log)
        self._running[program.name] = process
        self.pids[program.name] = process.pid
        if is_ready is not None:
            wait_until(is_ready, f"{program.name} isn't ready")

    def _log_tail(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _json(url: str) -> dict[str, Any] | None:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except (urllib.error.URLError, OSError):
        return None


def wait_until(is_so: Callable[[], bool], complaint: str) -> None:
    """SystemExit with the complaint when it takes too long."""
    limit = time.monotonic() + START_SECONDS
    while not is_so():
        if time.monotonic() > limit:
            raise SystemExit(f"{complaint} after {START_SECONDS} s")
        time.sleep(0.05)
