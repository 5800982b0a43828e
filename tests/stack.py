"""The real product for tests: gunicorn and Celery workers over a real PostgreSQL and Valkey.

    with Stack(databases, upstream).start() as stack:
        stack.url, stack.worker("worker-1").kill()

Times are short (a lease lasts three seconds), so that a crash heals while the test watches. Nobody
asks the model for titles unless a test sets EPICODE_TITLES.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import httpx

from common.audit import Finding, Limits, audit
from common.config import ROOT, TestingConfig
from common.db import Database
from tests.databases import Databases
from tests.upstream import Upstream

QUICK = {
    "EPICODE_LEASE_SECONDS": "3",
    "EPICODE_RENEW_SECONDS": "0.5",
    "EPICODE_SWEEP_SECONDS": "0.5",
    "EPICODE_RING_SECONDS": "2",
    "EPICODE_BACKOFF_SECONDS": "0.1",
    "EPICODE_WORKER_SLOTS": "40",
}


class ModelServer(Protocol):
    """Whatever answers at this base URL."""

    url: str


class Child:
    """One process of the product, in a group of its own, its output in a file."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9 of the whole group."""
        if self.exit_code is None:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(10)

    def stop(self, seconds: float = 40) -> int:
        """SIGTERM; the exit code. Killed, and -9, when it takes longer."""
        if self.exit_code is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL


class Stack:
    """Web and workers of one fresh database; `start_worker` adds more."""

    def __init__(
        self,
        databases: Databases,
        upstream: Upstream | ModelServer,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.databases = databases
        self.upstream = upstream
        self.folder = Path(tempfile.mkdtemp(prefix="stack-", dir=databases.folder))
        name = f"stack_{uuid.uuid4().hex[:12]}"
        self.database_url = databases.create_database(name, template="template_epicode")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("EPICODE_", "OPENAI_", "FLASK_"))
        } | {
            "FLASK_ENV": "production",
            "SECRET_KEY": "a-secret-of-the-tests-0123456789abcdef",
            "DATABASE_URL": self.database_url,
            "REDIS_URL": databases.create_redis(),
            "OPENAI_BASE_URL": upstream.url,
            "OPENAI_API_KEY": "test-key",
            "EPICODE_TITLES": "0",
            "EPICODE_PORT": str(self.port),
            "EPICODE_DATA": str(self.folder),
            "WEB_CONCURRENCY": "1",
            **QUICK,
            **(settings or {}),
        }
        self.web: Child | None = None
        self.workers: dict[str, Child] = {}

    def start(self, workers: int = 1) -> Self:
        self.start_web()
        for number in range(1, workers + 1):
            self.start_worker(f"worker-{number}", wait=False)
        if workers:
            self.wait_ready(workers)
        return self

    def start_web(self, **settings: str) -> Child:
        arguments = ["gunicorn", "-c", "gunicorn_conf.py", "wsgi:app"]
        self.web = Child(arguments, self.environment | settings, self.folder / "web.log")
        wait_until(lambda: self._answers("/health"), what="the web", log=self.web.log)
        return self.web

    def start_worker(
        self,
        name: str,
        *,
        wait: bool = True,
        command: Sequence[str] = ("worker",),
        **settings: str,
    ) -> Child:
        arguments = [*command, "-n", f"{name}@%h", "-l", "INFO"]
        child = Child(arguments, self.environment | settings, self.folder / f"{name}.log")
        self.workers[name] = child
        if wait:
            self.wait_ready(sum(worker.exit_code is None for worker in self.workers.values()))
        return child

    def worker(self, name: str = "worker-1") -> Child:
        return self.workers[name]

    def wait_ready(self, workers: int) -> None:
        """Until so many workers are online."""
        log = next(iter(self.workers.values())).log

        def ready() -> bool:
            answer = httpx.get(f"{self.url}/health/ready", verify=False)
            return answer.status_code == 200 and answer.json()["workers"] >= workers

        wait_until(ready, what=f"{workers} workers", log=log)

    def stop(self) -> None:
        """kill -9 of all that runs: the databases are thrown away, and a clean stop takes time."""
        for child in [*self.workers.values(), *([self.web] if self.web else [])]:
            child.kill()

    def client(self, **options: Any) -> httpx.Client:
        # without verify=False each client would load every certificate of the machine
        return httpx.Client(**{"base_url": self.url, "timeout": 30, "verify": False} | options)

    def audit(self) -> list[Finding]:
        """The rows that break a promise, asked of the database itself; there must be none."""
        settings = {
            name: value
            for name, value in self.environment.items()
            if name in TestingConfig.model_fields and name != "FLASK_ENV"
        }
        database = Database(self.database_url, pool_size=1)
        with database.transaction() as session:
            found = audit(session, Limits.of(TestingConfig(**settings)))  # type: ignore[arg-type]
        database.close()
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _answers(self, path: str) -> bool:
        try:
            return httpx.get(self.url + path, verify=False).status_code == 200
        except httpx.TransportError:
            return False


def wait_until(
    done: Callable[[], object], *, what: str, seconds: float = 30, log: Path | None = None
) -> None:
    """Waits for something that must come; AssertionError says what did not."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if done():
            return
        time.sleep(0.03)
    said = f"\n{log.read_text()[-3000:]}" if log and log.exists() else ""
    raise AssertionError(f"waited {seconds} s for {what}{said}")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
